"""The evaluate and figures commands: numbers with their protocol, one line for what is wrong."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import resource
import shutil
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_gan import (
    GAN,
    data,
    evaluate,
    figures,
    layers,
    networks,
    plotting,
    priors,
    recipes,
    train,
)
from keras_gan.core.errors import InputError
from keras_gan.data import DataSet, Split
from keras_gan.evaluation import distances, posterior
from keras_gan.evaluation.features.classifier import Classifier
from keras_gan.experiment import evaluator, measurements
from keras_gan.experiment.evaluator import EvaluationSettings, Evaluator
from keras_gan.experiment.measurements import inference
from keras_gan.experiment.run import Run
from keras_gan.reporting import facts
from keras_gan.training.inference import Inference


def train_quickly(path, *arguments):
    fast = ["--epochs", "1", "--likelihood-every", "0", "--ema-momentum", "0", *arguments]
    assert train.main(["--run-dir", str(path), *map(str, fast)]) == 0
    return path


@pytest.fixture(autouse=True, scope="module")
def classifiers():
    """A classifier depends on its data alone: the same is trained once, not for each test."""
    train_anew, made = Classifier.of_labeled, {}

    def of_labeled(examples, labels, prepare):
        key = prepare(examples).tobytes(), np.asarray(labels).tobytes()
        if key not in made:
            made[key] = train_anew(examples, labels, prepare)
        return made[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Classifier, "of_labeled", of_labeled)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return train_quickly(tmp_path_factory.mktemp("runs") / "digits", "--recipe", "digits")


@pytest.fixture(scope="module")
def of_recipe(tmp_path_factory):
    """From a recipe's name to a run of one epoch, with EMA weights that lag behind."""
    folder = tmp_path_factory.mktemp("runs")

    @functools.cache
    def make(recipe):
        return train_quickly(folder / recipe, "--recipe", recipe, "--ema-momentum", "0.9")

    return make


@pytest.fixture
def run(finished, tmp_path):
    """A copy to break."""
    return shutil.copytree(finished, tmp_path / "run")


def measured(path, weights, *arguments):
    few = ["--weights", weights, "--samples", "100", "--no-sanity", *map(str, arguments)]
    assert evaluate.main([str(path), *few]) == 0
    return json.loads((path / "evaluation.json").read_text())[weights]


def refused(capsys, *arguments, by=evaluate):
    code = by.main([str(argument) for argument in arguments])
    err = capsys.readouterr().err
    assert code == 2
    assert err.startswith(f"{by.__name__.split('.')[-1]}: error: ")
    assert err.count("\n") == 1
    return err


@pytest.fixture(scope="module")
def evaluated(finished, tmp_path_factory):
    """A copy that was measured besides an earlier measurement, and what the command printed."""
    run = shutil.copytree(finished, tmp_path_factory.mktemp("runs") / "evaluated")
    earlier = '{"best": {"likelihood": {"mean": 1.5, "standard_error": NaN}}}'
    (run / "evaluation.json").write_text(earlier)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert evaluate.main([str(run), "--samples", "300", "--seed", "3"]) == 0
    return run, " ".join(out.getvalue().split())


def test_every_number_has_its_protocol(evaluated):
    run, out = evaluated
    assert "Mean log-likelihood of the test set of digits" in out
    assert "Frechet" in out
    assert "D scores a training example above a test example" in out
    text = (run / "evaluation.json").read_text()
    written = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert written["best"] == {"likelihood": {"mean": 1.5, "standard_error": None}}
    found = written["last"]
    assert found["run"]["epochs"] == 1
    # One epoch is no overfitting; 1439 training images, of which 1000 are judged.
    gap = found["diversity"]["ScoreGap"]
    assert 0.4 < gap["auc"] < 0.6
    assert gap["n"] == [1000, 179]
    assert found["versions"]["keras_gan"]
    rows = [found["likelihood"], *found["sanity"].values()]
    for row in rows:
        assert row["bandwidth"] in row["grid"]
        assert row["seed"] == 3
        assert row["validation"] == 179
        assert row["dimension"] == 64
        assert np.isfinite([row["mean"], row["standard_error"]]).all()
    assert found["likelihood"]["samples"] == 300


def test_a_truncation_is_measured_apart(run, capsys):
    whole = measured(run, "last")
    arguments = ["--truncation", "0.1", "--samples", "100", "--no-sanity"]
    assert evaluate.main([str(run), *arguments]) == 0
    found = json.loads((run / "evaluation.json").read_text())
    assert set(found) == {"last", "last, truncation 0.1"}
    assert found["last"] == whole
    narrow = found["last, truncation 0.1"]
    assert narrow["truncation"] == 0.1
    digits, unit = data.load("digits"), data.UnitRange().normalize
    features = Classifier.of_labeled(digits.train.x, digits.train.y, unit).features
    samples = Run.open(run).samples(100, truncation=0.1)
    expected = distances.frechet_distance(features(unit(digits.test.x)), features(samples))
    distance = narrow["distances"]["samples"]["frechet"]["distance"]
    np.testing.assert_allclose(distance, expected.distance, rtol=1e-4)
    assert facts.of_run(Run.open(run)).weights == "last"
    assert "truncation" in refused(capsys, run, "--truncation", "-1")


def test_distances_are_those_of_the_features(evaluated):
    run, _ = evaluated
    found = json.loads((run / "evaluation.json").read_text())["last"]["distances"]
    digits = data.load("digits")
    unit = data.UnitRange().normalize
    features = Classifier.fit(unit(digits.train.x), digits.train.y).features
    samples = Run.open(run).samples(300, 3)
    expected = distances.frechet_distance(features(unit(digits.test.x)), features(samples[:179]))
    np.testing.assert_allclose(
        found["samples"]["frechet"]["distance"], expected.distance, rtol=1e-4
    )
    for row in (found["samples"], found["training examples"]):
        for measure in ("frechet", "kid", "precision_recall"):
            assert (row[measure]["n_real"], row[measure]["n_generated"]) == (179, 179)
        assert row["frechet_at_infinity"]["sizes"][-1] == 179
        errors = row["standard_errors"]
        assert set(errors) == {"frechet", "precision", "recall", "density", "coverage"}
    samples, real = found["samples"], found["training examples"]
    assert 1 <= samples["inception_score"]["score"] < 8 < real["inception_score"]["score"] < 10
    assert real["frechet_at_infinity"]["distance"] < real["frechet"]["distance"]  # no bias
    errors = real["standard_errors"]
    assert all(0 < errors[name] < 0.2 for name in ("precision", "recall", "density", "coverage"))
    assert samples["frechet"]["distance"] > 5 * real["frechet"]["distance"]
    assert samples["kid"]["distance"] > 5 * abs(real["kid"]["distance"])
    assert samples["precision_recall"]["coverage"] < 0.5
    assert 0.5 < real["precision_recall"]["coverage"] < 1
    assert real["precision_recall"]["precision"] > 0.7
    # One epoch: what the table shows is said in words as well.
    warned = json.loads((run / "evaluation.json").read_text())["last"]["diversity"]["warnings"]
    assert [w for w in warned if w["name"] == "low-recall" and "small classifier" in w["message"]]


def test_several_sets_show_how_reliable_the_number_is(run, capsys):
    assert evaluate.main([str(run), "--samples", "100", "--sets", "5", "--no-sanity"]) == 0
    assert "over 5 sets of samples" in capsys.readouterr().out
    found = json.loads((run / "evaluation.json").read_text())["last"]
    spread = found["likelihood"]["spread"]
    assert [row["seed"] for row in spread["sets"]] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(spread["mean"], np.mean([row["mean"] for row in spread["sets"]]))
    errors = {row["dimension"]: row["error"] for row in found["gaussian_error"]}
    np.testing.assert_allclose([errors[10], errors[784]], [-0.32, -214.6], rtol=0.05)
    with Image.open(run / "figures" / "reliability.png") as picture:
        assert picture.width > picture.height > 300


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--samples", "5"], "--samples must be at least 6 for this run. Received: 5"),
        (["--seed", "-1"], "--seed: must be from 0 to 4294967295. Received: -1"),
        (["--seed", 2**32], "--seed: must be from 0 to 4294967295. Received: 4294967296"),
        (["--samples", "many"], "argument --samples: invalid int value: 'many'"),
        (["--sets", "3"], "--sets must be 1 or at least 5. Received: 3"),
        (["--weights", "worst"], "unknown weights 'worst'; choose from"),
        (["--weights", "best"], "no best model"),
        (["--weights", "ema"], "has no EMA weights"),
        (["--strategy", "paralell"], "unknown strategy 'paralell'"),
    ],
)
def test_bad_arguments(finished, arguments, words, capsys):
    assert words in refused(capsys, finished, *arguments)
    assert not (finished / "evaluation.json").exists()


def test_all_that_may_be_refused_is_refused_before_the_work(run, of_recipe, capsys, monkeypatch):
    conditional = of_recipe("digits_conditional")
    monkeypatch.setattr(Run, "sampler", lambda *_: pytest.fail("the work began"))
    assert "--samples must be at least 20" in refused(capsys, conditional, "--samples", 19)
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(
        json.dumps({**config, "identity": {**config["identity"], "dataset": "tfd", "fold": 0}})
    )
    assert "--sets is not for tfd" in refused(capsys, run, "--sets", 5)
    (run / "config.json").write_text(json.dumps(config))
    whole = data.load("digits")
    for few, words in (
        (
            (whole.train[:49], whole.validation, whole.test),
            "at least 50 train examples; few has 49; keras-gan measure takes",
        ),
        ((whole.train, whole.validation, whole.test[:5]), "at least 6 test examples"),
    ):
        monkeypatch.setattr(recipes, "data_of", lambda *_, few=few: DataSet("few", *few))
        assert words in refused(capsys, run)
    (run / "evaluation.json").write_text("{")
    assert "evaluation.json cannot be read" in refused(capsys, run)
    (run / "evaluation.json").write_text("[]")
    assert "evaluation.json must hold an object" in refused(capsys, run)


@pytest.mark.parametrize(
    ("identity", "has_folds"),
    [({"dataset": "tfd", "fold": 1}, True), ({"dataset": "tfd"}, False), ({"fold": 0}, False)],
)
def test_runs_of_recipes_without_folds_are_measured_on_one(identity, has_folds):
    assert Evaluator.is_tfd.fget(mock.Mock(run=mock.Mock(identity=identity))) == has_folds


def test_a_directory_that_cannot_be_written(run, capsys):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # as if the disk were full
    try:
        words = refused(capsys, run), refused(capsys, run, by=figures)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot be written: File too large" in words[0]
    assert "cannot be written: File too large" in words[1]
    (run / "figures").rmdir()
    (run / "figures").write_text("a file")
    for arguments, by in ((["--sets", 5], evaluate), ([], figures)):
        assert "figures cannot be written: " in refused(capsys, run, *arguments, by=by)


def test_figures_of_a_run_without_its_table(run, monkeypatch):
    (run / "metrics.csv").unlink()
    drawn = {"figure_2.png": np.zeros((4, 4, 3), np.uint8)}
    monkeypatch.setattr(figures, "_of_images", lambda *_: drawn)
    monkeypatch.setattr(plotting, "animate", lambda *_: None)
    assert figures.main([str(run)]) == 0
    assert [file.name for file in (run / "figures").iterdir()] == ["figure_2.png"]


def test_a_conditional_run_with_a_small_class_and_unknown_labels(of_recipe, monkeypatch, capsys):
    whole = data.load("digits")
    threes = whole.train.y == 3
    train = whole.train[~threes | (np.cumsum(threes) <= 40)]

    def half_known(split):
        return Split(split.x, np.where(np.arange(len(split)) % 2, split.y, -1))

    parts = DataSet("digits", train, half_known(whole.validation), half_known(whole.test))
    monkeypatch.setattr(recipes, "data_of", lambda *_: parts)
    found = measured(of_recipe("digits_conditional"), "ema")
    within = found["given_classes"]
    assert within["samples_of_each"] == 10
    assert (within["likelihood"]["validation"], within["likelihood"]["test"]) == (89, 89)
    assert np.isfinite([within["likelihood"][name] for name in ("mean", "standard_error")]).all()
    assert within["named_as_asked"] == pytest.approx(np.mean(within["of_each_class"]))
    assert 0 <= within["named_as_asked"] <= 1
    assert "3" not in within["warnings"]
    assert [w for w in found["warnings"] if "within the classes 3: they have fewer than 50" in w]
    assert found["diversity"]["classifier_accuracy_on_test"] > 0.8
    assert found["diversity"]["ScoreGap"]["n"] == [1000, 89]
    assert "warning: no warnings within the classes 3" in " ".join(capsys.readouterr().out.split())


def of_arrays(train: Split, test: Split, sanity: bool = True) -> mock.Mock:
    of = mock.Mock(spec=Evaluator, settings=EvaluationSettings(sanity=sanity), network=None)
    of.data, of.unit = DataSet("x", train, test, test), np.asarray
    of.sampler = lambda n, seed: np.random.default_rng(seed).random((n, 3), np.float32)
    return of


@pytest.mark.parametrize(("train", "test"), [(20, 30), (30, 20)])
def test_samples_test_and_training_examples_are_as_many(train, test):
    x = np.random.default_rng(1).random((30, 3), np.float32)
    found = measurements.samples.measure_distances(of_arrays(Split(x[:train]), Split(x[:test])))
    for name in ("samples", "training examples"):
        assert (found[name]["kid"]["n_real"], found[name]["kid"]["n_generated"]) == (20, 20)
    alone = of_arrays(Split(x[:train]), Split(x[:test]), sanity=False)
    found = measurements.samples.measure_distances(alone)
    assert found.keys() == {"features", "samples"}
    assert found["samples"]["kid"]["n_generated"] == test


def test_a_class_of_equal_examples_is_left_out():
    x, y = np.random.default_rng(0).random((120, 3), np.float32), np.repeat([0, 1], 60)
    x[y == 1] = 0.3
    of = of_arrays(Split(x, y), Split(x, y))
    with pytest.warns(UserWarning, match="within the classes 1: .* only equal ones"):
        assert "1" not in measurements.conditions._warnings_within(of, x.reshape(2, 60, 3))


def test_samples_of_classes_are_measured_on_data_without_classes():
    x = np.random.default_rng(0).random((60, 3), np.float32)
    of = of_arrays(Split(x), Split(x))
    of.settings = EvaluationSettings(samples=60)
    of.classifier, of.part, of.known = None, lambda split: split, Evaluator.known
    of.sampler = lambda n, seed, condition: x
    with pytest.warns(UserWarning, match="the training examples have none"):
        found = measurements.conditions.measure_classes(of, 2)
    assert found == {"samples_of_each": 30, "warnings": {}}


def test_labels_that_are_all_unknown_have_no_accuracy(monkeypatch):
    detector = mock.Mock(examine=lambda _: ())
    monkeypatch.setattr(measurements.samples, "CollapseDetector", lambda *_, **__: detector)
    monkeypatch.setattr(measurements.samples, "_score_gap", lambda _: None)
    x = np.zeros((9, 3), np.float32)
    of = of_arrays(Split(x), Split(x, np.full(9, -1)))
    of.known, of.classifier = Evaluator.known, mock.Mock()
    assert measurements.samples.measure_diversity(of, {}) == {"warnings": []}


def test_what_was_measured_is_kept_if_a_later_part_fails(monkeypatch):
    for module, name in (
        (measurements.samples, "measure_distances"),
        (measurements.samples, "measure_diversity"),
        (measurements.likelihood, "measure"),
    ):
        monkeypatch.setattr(module, name, lambda *_: {"kept": 1})
    failing = mock.Mock(side_effect=InputError("a fault"))
    monkeypatch.setattr(measurements.conditions, "measure_named_classes", failing)
    of = of_arrays(Split(np.zeros((1, 3))), Split(np.zeros((1, 3))))
    of.run = mock.Mock(identity={})
    of.gan = mock.Mock(condition=None, names_classes=True, auxiliary_networks=[])
    with pytest.warns(UserWarning, match="classification was not measured: a fault"):
        found = Evaluator._measure(of)
    assert found["diversity"] == found["distances"] == {"kept": 1}


def test_weights_of_a_transposed_convolution_are_no_images():
    dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(64)])
    judge = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 2)])
    convolutional = networks.dcgan_generator((8, 8, 1), 4, width=32)  # 64 channels: 8 * 8 * 1
    assert set(figures._weights(judge, convolutional, (8, 8, 1))) == {"weights_discriminator.png"}
    assert "weights_generator.png" in figures._weights(judge, dense, (8, 8, 1))


@pytest.mark.parametrize("n", [1, 3, 11, 24])
def test_few_test_images_are_drawn(n, monkeypatch):
    monkeypatch.setattr(figures, "refine", lambda generator, prior, images, encoded: encoded)
    monkeypatch.setattr(figures, "_images", lambda run, g, z, lines=1: np.zeros((len(z), 8, 8, 1)))
    scale = mock.Mock(normalize=np.asarray, denormalize=np.asarray)
    network = mock.Mock(encode=lambda x: tf.zeros((len(x), 3)))
    images = np.ones((n, 8, 8, 1))
    picture = figures._encoded(mock.Mock(preprocessing=scale), None, network, images)
    rows = 3 + min(5, n // 2)
    assert picture.shape == (50 * rows + 2, 50 * min(n, 12) + 2, 3)


def test_a_run_that_inpaints(of_recipe, capsys):
    found = measured(of_recipe("digits_inpainting"), "ema")
    inpainted = found["inpainting"]
    assert (inpainted["images"], inpainted["draws"], inpainted["missing"]) == (179, 16, 32)
    # The mean of several completions is never further off than they are on average.
    assert 0 < inpainted["squared_error"] < inpainted["squared_error_of_one"]
    assert 0 < inpainted["spread_within_class"] < 0.5
    assert inpainted["spread"] > 0
    named = inpainted["named_rightly"]
    assert named["whole images"] > 0.8
    assert all(0 <= share <= 1 for share in named.values())
    assert found["diversity"]["ScoreGap"]["n"] == [1000, 179]
    assert "test images inpainted from the upper half" in " ".join(capsys.readouterr().out.split())


def images_of(run, weights, latents):
    return run.preprocessing.denormalize(run.generator(weights)(latents).numpy())


def test_inference_is_measured_and_drawn_with_the_weights_asked_for(of_recipe, tmp_path, capsys):
    path = shutil.copytree(of_recipe("digits_inference"), tmp_path / "run")
    run = Run.open(path)
    # After an epoch raw and EMA weights are nearly the same: here they are not. And D sees
    # means of four pixels, whose weights are no image.
    gan = run.gan()
    pooling = [keras.layers.AveragePooling2D(2), keras.layers.Flatten(), keras.layers.Dense(1)]
    judge = keras.Sequential([keras.Input((8, 8, 1)), *pooling])
    other = GAN(gan.generator, judge, gan.prior, auxiliary_networks=gan.auxiliary_networks, ema=0.9)
    bias = other.generator.get_layer("output").bias
    bias.assign(bias + 1.0)
    run.save_models(other, epochs=1)

    found = measured(path, "ema")["inference"]
    assert "latents of samples: correlation" in " ".join(capsys.readouterr().out.split())
    assert found["recovery"]["examples"] == 1000
    assert sum(found["recovery"]["shares"]) == pytest.approx(1)
    assert -1 <= found["recovery"]["mean"] <= 1
    assert all(0 <= covered <= 1 for covered in found["calibration"]["covered"])
    errors = {way: row["mean"] for way, row in found["reconstruction"].items()}
    assert errors["refined"] < errors["encoded"]

    real = run.preprocessing.denormalize(run.preprocessing.normalize(recipes.data_of(run).test.x))
    encoded = run.inference().encode(run.preprocessing.normalize(recipes.data_of(run).test.x))
    ema, raw = (
        posterior.reconstruction(real, images_of(run, weights, encoded)).mean
        for weights in ("ema", "last")
    )
    assert errors["encoded"] == pytest.approx(ema, rel=1e-5)
    assert ema < 0.9 * raw

    assert figures.main([str(path), "--weights", "ema", "--rows", "2"]) == 0
    assert {file.name for file in (path / "figures").iterdir()} == {
        "circuit.gif",
        "curves.png",
        "encoded.png",
        "figure_2.png",
        "figure_3.png",
        "rectangle.png",
        "weights_generator.png",
    }
    with Image.open(path / "figures" / "encoded.png") as picture:
        drawn = np.asarray(picture).astype(int)
    with Image.open(path / "figures" / "circuit.gif") as circuit:
        assert circuit.size == (52, 52)
    # Tiles of 48 pixels, 2 apart: the second row holds what the inferred latents give.
    row = drawn[50 : 50 + 52]
    ema, raw = (
        np.abs(row - plotting.grid(images_of(run, weights, encoded[:12]), 12)).max()
        for weights in ("ema", "last")
    )
    assert ema <= 1
    assert raw > 5


def test_inference_of_a_generator_with_noise_depends_on_the_seed_alone():
    prior, random = priors.Normal(3), np.random.default_rng(0)
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            layers.GaussianNoise(1.0, sampling=True),
            keras.layers.Dense(12, "sigmoid"),
            keras.layers.Reshape((2, 2, 3)),
        ]
    )
    encoder = [keras.Input((2, 2, 3)), keras.layers.Flatten(), keras.layers.Dense(6)]
    split = Split(random.random((20, 2, 2, 3), np.float32))
    of = mock.Mock(spec=Evaluator, settings=EvaluationSettings(), generator=generator)
    of.data, of.gan = DataSet("x", split, split, split), mock.Mock(prior=prior, condition=None)
    of.run, of.unit = mock.Mock(preprocessing=data.UnitRange()), data.UnitRange().unit
    of.samples = lambda seed: split.x
    network = Inference(keras.Sequential(encoder), prior)
    one, other = (inference.measure(of, network) for _ in range(2))
    assert one["recovery"] == other["recovery"]
    errors = [{k: row["mean"] for k, row in r["reconstruction"].items()} for r in (one, other)]
    assert errors[0] == errors[1]
    assert errors[0]["refined"] < 0.8 * errors[0]["encoded"]


def test_what_of_a_large_mapped_file_is_held_in_memory_is_said(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.arange(400, dtype=np.uint8).reshape(100, 2, 2, 1))
    split = Split(np.load(tmp_path / "x.npy", mmap_mode="r"), np.arange(100))
    of = mock.Mock(spec=Evaluator, settings=EvaluationSettings())
    of.data = DataSet("x", split, split, split)
    assert Evaluator.part(of, split) is split
    monkeypatch.setattr(evaluator, "_MOST_NUMBERS", 40)
    with pytest.warns(UserWarning, match="those of 10 examples drawn at random from a split of 1"):
        part = Evaluator.part(of, split)
    np.testing.assert_array_equal(part.x, split.x[part.y])
    in_memory = Split(np.array(split.x))
    assert Evaluator.part(of, in_memory) is in_memory


def test_a_directory_that_is_no_run(tmp_path, capsys):
    assert "is not a run directory" in refused(capsys, tmp_path)
    for name in ("ring-0a1b2c3d", "ring-4e5f6a7b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").touch()
    os.utime(tmp_path / "ring-0a1b2c3d" / "config.json", (2e9, 2e9))
    error = refused(capsys, tmp_path)
    assert "it has no config.json" in error
    assert f"did you mean {tmp_path}/ring-0a1b2c3d?" in error
    error = refused(capsys, tmp_path / "ring-4e5f6a7", "--seed", 0)
    assert "there is no such folder" in error
    assert f"did you mean {tmp_path}/ring-4e5f6a7b?" in error
    assert "a name with spaces needs quotes" in refused(capsys, tmp_path / "my", "run")
    file = tmp_path / "config.json"
    file.write_text("{}")
    assert f"{file} is a file; give the run directory" in refused(capsys, file)


def test_a_run_without_a_model(run, capsys):
    shutil.rmtree(run / "models")
    assert "no finished model" in refused(capsys, run)


def test_a_model_that_makes_nan(run, capsys):
    file = run / "models" / "last.keras"
    gan = keras.saving.load_model(file)
    layer = gan.generator.get_layer("output")
    layer.bias.assign(np.full(layer.bias.shape, np.nan, np.float32))
    gan.save(file)
    assert "finite" in refused(capsys, run, "--samples", "100")
    assert not (run / "evaluation.json").exists()


def test_data_that_are_gone_changed_or_broken(tmp_path, capsys):
    file = tmp_path / "points.npy"
    points = np.random.default_rng(0).standard_normal((500, 2)).astype(np.float32)
    np.save(file, points)
    path = train_quickly(tmp_path / "run", "--dataset", file)
    np.save(file, points + 1)
    assert "is not the one that" in refused(capsys, path)
    points[7, 1] = np.nan
    np.save(file, points)
    assert "points.npy" in refused(capsys, path)
    file.unlink()
    assert "points.npy" in refused(capsys, path)
