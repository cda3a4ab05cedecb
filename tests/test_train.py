"""The train command: run directories, resuming, refusals, faults."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import pytest
import small

from keras_gan import InputError, TrainingError, callbacks, data, plotting, train
from keras_gan.evaluation.features import classifier
from keras_gan.evaluation.likelihood import ParzenSettings, log_likelihood
from keras_gan.experiment import cluster as cluster_of_a_run
from keras_gan.experiment import drawings, metrics_table, packing, run
from keras_gan.training import checkpoints

FAST = ["--epochs", "2", "--likelihood-every", "1", "--likelihood-samples", "50"]

RECIPE = """
import dataclasses
import keras
import keras_gan
from keras_gan import experiment
from keras_gan.recipes.settings import LatentSettings, LossSettings, MomentumSettings

@dataclasses.dataclass(frozen=True)
class Settings(LossSettings, MomentumSettings, LatentSettings, experiment.Settings):
    latent_dim: int = 8
    batch_size: int = 250
    ema_momentum: float = 0.9
    likelihood_samples: int = 50

def build(settings, data):
    def dense(units, activation, offset):
        init = keras.initializers.GlorotUniform(settings.seed + offset)
        return keras.layers.Dense(units, activation, kernel_initializer=init)

    generator = keras.Sequential([
        keras.Input((settings.latent_dim,)), dense(16, "relu", 0), dense(64, "sigmoid", 1),
        keras.layers.Reshape(data.shape)])
    discriminator = keras.Sequential([
        keras.Input(data.shape), keras.layers.Flatten(), dense(16, "relu", 2),
        keras.layers.Dropout(0.3, seed=1), dense(1, None, 3)])
    gan = keras_gan.GAN(
        generator, discriminator, settings.make_prior(), seed=settings.seed, ema=settings.ema)
    return gan, settings.compile_arguments(data, settings.loss)
"""


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "mine.py"
    path.write_text(RECIPE)
    return str(path)


def call(capsys, *arguments):
    code = train.main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def finished(tmp_path_factory, recipe_file):
    path = tmp_path_factory.mktemp("runs") / "whole"
    assert train.main(["--recipe", recipe_file, "--run-dir", str(path), "--epochs", "6"]) == 0
    return path


def test_a_run_directory_holds_what_its_table_says(finished):
    there = {str(p.relative_to(finished)) for p in finished.rglob("*") if p.is_file()}
    assert {
        "config.json",
        "metrics.csv",
        "samples/epoch-0000.png",
        "samples/epoch-0006.png",
        "samples.gif",
        "interpolation.webp",
        "neighbors.png",
        "models/last.keras",
        "models/best.keras",
        "models/best_ema.keras",
        "models/generator.keras",
    } <= there
    assert len(list((finished / "checkpoints").glob("step-*"))) == 2
    assert any(name.startswith("tensorboard/train/events") for name in there)
    assert not any(Path(name).name.startswith(".") and ".tmp" in name for name in there)
    opened = run.Run.open(finished)
    assert opened.finished
    assert opened.epochs_done == 6
    assert opened.identity["recipe"] == "mine"
    assert opened.identity["seed"] == 0
    assert opened.config["versions"]["tensorflow"]
    table = opened.metrics()
    assert table["epoch"] == [0, 1, 2, 3, 4, 5]
    assert np.isfinite(table["val_log_likelihood"]).all()
    assert np.isfinite(table["value"]).all()


def test_weights_mean_the_same_everywhere(finished):
    opened = run.Run.open(finished)
    gan = opened.gan()
    for weights, network in (("last", gan.generator), ("ema", gan.ema_generator)):
        loaded = opened.generator(weights)
        assert small.largest_difference(small.weights(loaded), small.weights(network)) == 0
    alone = keras.saving.load_model(finished / "models" / "generator.keras", safe_mode=True)
    assert small.largest_difference(small.weights(alone), small.weights(gan.generator)) == 0
    validation = opened.preprocessing.normalize(data.load("digits").validation.x)
    for weights, column in (
        ("best", "val_log_likelihood"),
        ("best_ema", "val_log_likelihood_ema"),
    ):
        samples = opened.samples(50, seed=1, weights=weights)
        found = log_likelihood(samples, validation, validation, protocol=ParzenSettings(50, None))
        assert found.mean == pytest.approx(max(opened.metrics()[column]), abs=1e-3)
    with pytest.raises(
        InputError,
        match="unknown weights 'newest'; choose from last, ema, best, best_ema",
    ):
        opened.generator("newest")


def test_weights_that_a_run_lacks_are_one_line_and_leave_the_others(finished, tmp_path):
    older = shutil.copytree(finished, tmp_path / "older")
    (older / "models" / "best_ema.keras").unlink()  # earlier versions kept none
    opened = run.Run.open(older)
    with pytest.raises(InputError, match=r"has no best_ema model: [^\n]+--weights$"):
        opened.generator("best_ema")
    for weights in ("last", "ema", "best"):
        assert opened.samples(1, weights=weights).shape == (1, 8, 8, 1)


def test_a_configuration_that_lacks_an_entry_or_has_another_type_is_one_line(finished, tmp_path):
    copy = shutil.copytree(finished, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    used = {
        "identity": lambda r: r.identity["data"],
        "settings": lambda r: r.settings,
        "preprocessing": lambda r: r.preprocessing,
        "sessions": lambda r: r.begin_session(),
        "data_dir": lambda r: r.config["data_dir"],
    }
    for key, use in used.items():
        (copy / "config.json").write_text(
            json.dumps({name: value for name, value in config.items() if name != key})
        )
        with pytest.raises(InputError, match=f"config.json has no entry '{key}'"):
            use(run.Run.open(copy))
        (copy / "config.json").write_text(json.dumps(config | {key: 3}))
        with pytest.raises(InputError, match=f"config.json is damaged: '{key}' is 3"):
            run.Run.open(copy)
    identity = {name: value for name, value in config["identity"].items() if name != "data"}
    (copy / "config.json").write_text(json.dumps(config | {"identity": identity}))
    with pytest.raises(InputError, match="has no entry 'data'"):
        used["identity"](run.Run.open(copy))


@pytest.mark.parametrize(("version", "words"), [(1, "reproduce.convert"), (99, "install a newer")])
def test_a_run_of_another_format_says_what_to_do(version, words, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"format": version}))
    with pytest.raises(InputError, match=words):
        run.Run.open(tmp_path)


def test_a_cell_is_empty_where_nothing_was_measured(tmp_path):
    file = tmp_path / "metrics.csv"
    for epoch, logs in enumerate([{"a": 0.5}, {"a": 1.0, "b": 2.0}, {"b": float("nan")}, {"a": 3}]):
        metrics_table.write_row(file, epoch, logs)
    metrics_table.write_row(file, 3, {"a": 4.0})  # again, after an interruption
    assert file.read_text() == "epoch,a,b\n0,0.5,\n1,1.0,2.0\n2,,\n3,4.0,\n"
    table = metrics_table.read(file)
    np.testing.assert_array_equal(table["b"], [np.nan, 2, np.nan, np.nan])


@pytest.mark.parametrize(
    "content",
    [
        b"epoch,a\n0,much\n",
        b"epoch,a\n0,0.5\n1,0.2",
        b"epoch,a,b\n0,0.5,1.0\n1,0.2\n",
        b"epoch,a\n0,0.5,1.0\n",
        b"epoch,a\n,0.5\n",
        b"a\n0.5\n",
        b"epoch,a\n0,0.5\n\xff\xfe,1\n",
        b"epoch,a\n0,\0\n",
        b'epoch,a\n0,"0.5\n',
    ],
)
def test_a_damaged_table_is_one_line(content, tmp_path):
    file = tmp_path / "metrics.csv"
    file.write_bytes(content)
    for use in (metrics_table.read, lambda file: metrics_table.write_row(file, 1, {"a": 1.0})):
        with pytest.raises(InputError, match=r"metrics\.csv is damaged .*; move it away") as error:
            use(file)
        assert "\n" not in str(error.value)
    assert file.read_bytes() == content


def test_the_best_of_each_kind_of_weights_is_noticed(monkeypatch):
    found = []
    likelihood = callbacks.ValidationLikelihood(
        small.examples(), lambda x: x, on_best=lambda *best: found.append(best), best={"best": 1.0}
    )
    likelihood.set_model(model := small.gan(ema=0.9))
    likelihood.set_params({"epochs": 3})
    values = iter([0.0, 5.0, 3.0, 4.0, 2.0, 6.0])  # of raw and EMA weights
    monkeypatch.setattr(likelihood, "estimate", lambda samples: next(values))
    for epoch in range(3):
        likelihood.on_epoch_end(epoch)
    average = model.ema_generator
    assert found == [
        ("best_ema", average, 5.0),
        ("best", model.generator, 3.0),
        ("best_ema", average, 6.0),
    ]


def test_a_finished_run_says_so_and_another_seed_is_refused(finished, recipe_file, capsys):
    before = (finished / "metrics.csv").read_bytes()
    code, out, _ = call(capsys, "--recipe", recipe_file, "--run-dir", finished, "--epochs", "6")
    assert code == 0
    assert "is finished: 6 epochs" in out
    code, _, err = call(capsys, "--recipe", recipe_file, "--run-dir", finished, "--seed", "1")
    assert code == 2
    assert "holds another run (" in err
    assert "seed: 0 there, 1 now" in err
    assert "More --epochs alone continue it; else choose another --run-dir" in err
    assert f"with --init {finished} to start from its weights" in err
    assert err.count("\n") == 1
    assert (finished / "metrics.csv").read_bytes() == before


def test_a_run_directory_may_have_the_name_of_a_preset(recipe_file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["--recipe", recipe_file, "--run-dir", "mnist", "--likelihood-every", "0"]
    for epochs in (1, 2):
        code, out, err = call(capsys, *arguments, "--epochs", epochs)
        assert code == 0, err
    assert f"keras-gan evaluate {tmp_path / 'mnist'} " in out
    for name in ("./mnist", "mnist/models/last.keras"):
        opened = run.Run.open(name)
        assert (opened.path, opened.epochs_done) == (tmp_path / "mnist", 2)
    packing.pack(opened, "file")
    assert packing.unpack("file", "digits").path == tmp_path / "digits"


def test_walks_between_samples_are_drawn_a_few_frames_at_a_time(tmp_path, monkeypatch):
    made, frames = [], []

    def images_of(generator, latents, *_, lines):
        made.append((len(latents), lines))
        return np.tile(latents[:, :1, None, None], (1, 8, 8, 1))

    animate = drawings.plotting.animate
    monkeypatch.setattr(drawings, "images_of", images_of)
    monkeypatch.setattr(drawings.plotting, "grid", lambda images, _: images[:, 0, 0, 0])
    monkeypatch.setattr(drawings.plotting, "animate", lambda all_, *_, **__: frames.extend(all_))
    job = mock.Mock(gan=small.gan())
    drawings._draw_interpolation(job, mock.Mock(path=tmp_path))
    assert made == [(60, 12)] * 12 + [(48, 12)]
    corners = job.gan.prior.sample(48, seed=1).numpy().reshape(12, 4, 5)
    walks = [plotting.loop(latents, 16)[:, 0] for latents in corners]  # of the first number of z
    np.testing.assert_allclose(np.transpose(frames), walks)
    picture = np.zeros((24, 48, 3), np.uint8)
    monkeypatch.setattr(drawings.plotting, "grid", lambda *_: picture)
    monkeypatch.setattr(drawings.plotting, "animate", animate)
    drawings._draw_interpolation(job, mock.Mock(path=tmp_path))
    assert (tmp_path / "interpolation.webp").stat().st_size


def optimizers(gan):
    return [gan.generator_optimizer, gan.discriminator_optimizer, *gan.auxiliary_optimizers]


OTHERS = {
    "conditional": ["--recipe", "digits_conditional"],
    "inference": ["--recipe", "digits_inference"],
    "inference, fixed networks": ["--recipe", "digits_inference", "--update", "fixed"],
}


@pytest.mark.parametrize("model", ["plain", *OTHERS])
def test_interrupted_and_resumed_is_uninterrupted(request, recipe_file, tmp_path, model):
    """The plain networks hold Keras's own dropout, whose seeds only our checkpoints keep.

    Their run also has half a checkpoint, and a row of an epoch, more than it should go on from.
    """
    path = tmp_path / "parts"
    if model == "plain":
        arguments, uninterrupted = ["--recipe", recipe_file], request.getfixturevalue("finished")
    else:
        arguments, uninterrupted = (
            [*OTHERS[model], "--batch-size", "250", *FAST],
            tmp_path / "whole",
        )
        assert train.main([*arguments, "--run-dir", str(uninterrupted)]) == 0
    whole = run.Run.open(uninterrupted)
    arguments += ["--run-dir", str(path)]
    if model == "plain":
        assert train.main([*arguments, "--epochs", str(whole.epochs_done // 2)]) == 0
    else:  # as the whole run was after its first epoch of two
        shutil.copytree(uninterrupted, path)
        shutil.rmtree(max((path / "checkpoints").glob("step-*")))
        table = (path / "metrics.csv").read_text().splitlines(keepends=True)
        (path / "metrics.csv").write_text("".join(table[:2]))
    shutil.rmtree(path / "models")  # as if killed before the end
    if model == "plain":
        newest = sorted((path / "checkpoints").glob("step-*"))[-1]
        torn = newest.with_name("step-999999999")
        shutil.copytree(newest, torn)
        data = next(torn.glob("state.data*"))
        data.write_bytes(data.read_bytes()[:100])
        columns = (path / "metrics.csv").read_text().partition("\n")[0].count(",")
        with (path / "metrics.csv").open("a") as table:
            table.write("3" + ",0" * columns + "\n")
    assert train.main([*arguments, "--epochs", str(whole.epochs_done)]) == 0
    parts = run.Run.open(path)
    one, other = (keras.saving.load_model(r.model_file("last")) for r in (whole, parts))
    assert small.largest_difference(small.weights(one), small.weights(other)) == 0
    for a, b in zip(optimizers(one), optimizers(other), strict=True):
        for of_a, of_b in zip(a.variables, b.variables, strict=True):
            np.testing.assert_array_equal(of_a.numpy(), of_b.numpy())
    assert whole.metrics() == parts.metrics()
    assert len(parts.config["sessions"]) == 2


@pytest.mark.parametrize("strategy", ["one_device", "mirrored"])
def test_the_average_has_batch_statistics_of_its_own_weights(two_devices, tmp_path, strategy):
    recipe = tmp_path / "mine.py"
    norm = "dense(16, 'relu', 0), keras.layers.BatchNormalization(name='norm')"
    recipe.write_text(RECIPE.replace('dense(16, "relu", 0)', norm, 1))
    arguments = ["--recipe", str(recipe), "--run-dir", str(tmp_path / "run"), *FAST]
    settings = ["--epochs", "1", "--batch-size", "200", "--strategy", strategy]
    assert train.main([*arguments, *settings]) == 0
    best = keras.saving.load_model(tmp_path / "run" / "models" / "best_ema.keras")
    gan = run.Run.open(tmp_path / "run", trust_recipe=True).gan()
    kept = small.weights(gan.ema_generator)
    assert small.largest_difference(kept, small.weights(best)) == 0
    gan.recompute_statistics(batch_size=200, ema=True)
    assert small.largest_difference(kept, small.weights(gan.ema_generator)) < 1e-5


def test_another_process_is_refused(finished, recipe_file, capsys):
    import filelock

    with filelock.FileLock(finished / ".lock"):
        code, _, err = call(capsys, "--recipe", recipe_file, "--run-dir", finished, "--epochs", "7")
    assert code == 2
    assert "another process is training in" in err


def test_dry_run_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, _ = call(capsys, "--dataset", "digits", "--dry-run")
    assert code == 0
    assert list(tmp_path.iterdir()) == []
    for word in ("parameters", "MiB of state", "28 an epoch x 200 epochs", "runs/digits-"):
        assert word in out
    assert out.index("recipe digits") < out.index("Total params")  # an overview, then the details


def test_dry_run_cuts_no_path(tmp_path, capsys):
    folder = tmp_path / (70 * "x")
    _, out, _ = call(capsys, "--dataset", "digits", "--run-dir", folder, "--dry-run")
    table = out.partition("Total params")[0]
    assert table.count("x") >= 70
    assert "…" not in table


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as stop:
        train.main(["--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "examples:" in out
    assert "--discriminator-steps" in out
    assert "k: updates of D for each of G" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--recipe", "minst"],
            "unknown recipe 'minst'; choose from pictures, ",
        ),
        (["--recipe", "minst"], "did you mean mnist"),
        (["--recipe", "MNIST"], "did you mean mnist"),
        (["--recipe", "absent.py"], "absent.py"),
        (
            ["--strategy", "paralell"],
            "unknown strategy 'paralell' for --strategy; choose from default",
        ),
        (["--strategy", "multi_worker"], "needs the environment variable TF_CONFIG"),
        (["--strategy", "tpu"], "found no TPU"),
        (["--dataset", "nothing_such"], "nothing_such"),
        (["--dataset", "mnist", "--data-dir", "."], "--download"),
        (["--recipe", "tfd"], "TFD_48x48.mat"),
        (["--recipe", "tfd_stage2", "--dataset", "digits"], "needs --stage1"),
        (
            ["--dataset", "digits", "--loss", "hinge"],
            "unknown loss 'hinge' for --loss; choose",
        ),
        (["--dataset", "digits", "--update", "both"], "unknown update 'both'"),
        (["--prior", "cauchy"], "unknown prior 'cauchy'"),
        (["--discriminator-steps", "0"], "--discriminator-steps must be at least 1"),
        (["--batch-size", "0"], "--batch-size must be at least 1 and at most 1048576. Received: 0"),
        (["--dataset", "digits", "--batch-size", "5000"], "fewer than a step takes"),
        (["--batch-size", "ten"], "argument --batch-size: invalid int value: 'ten'"),
        (["--strategy", "mirrored", "--batch-size", "5"], "does not divide among 4 replicas"),
        (["--precision", "float8"], "unknown precision 'float8'"),
        (["--learning-speed", "1"], "unrecognized argument --learning-speed"),
        (["--batchsize", "1"], "unrecognized argument --batchsize; did you mean --batch-size?"),
        (["--batch_size", "1"], "unrecognized argument --batch_size; did you mean --batch-size?"),
        (["--no-self-modulation"], "'mnist_10k' has no --no-self-modulation; recipes that have it"),
        (["--no-self-modulaton"], "did you mean --no-self-modulation?"),
        (["--buget", "3m"], "unrecognized argument --buget; did you mean --budget?"),  # of pictures
        (["photos/"], "unrecognized argument photos/; pictures and other data are named with --da"),
        (["--dataset", "my", "photos"], "unrecognized argument photos; pictures and other data"),
        (["--dataset", "my", "photos"], "a name with spaces needs quotes"),
        (["--kimg", "1"], "here it is --images, the number of pictures"),
        (["--num_train_steps", "1"], "--num_train_steps; here it is --images, the number"),
        (["--latent_dim", "8"], "unrecognized argument --latent_dim; did you mean --latent-dim?"),
        (["--amp2"], "unrecognized argument --amp2 (see"),  # nothing is like it but the dashes
        (["--gamma", "inf", "--dataset", "photos/"], "--gamma must be a finite number"),
        (["--recipe", "cifar10_conv", "--dataset", "digits"], "made for images 32x32x3"),
        (
            ["--dataset", "digits", "--preprocessing", "identity"],
            "--preprocessing identity is for points; images need unit_range",
        ),
        (["--ema-momentum", "1.5"], "--ema-momentum must be at least 0 and below 1"),
        (["--run-dir", "gs://bucket/run"], "--run-dir needs a file system with locks and rename"),
        (["--checkpoint-dir", "nowhere://run"], "checkpoints nowhere://run cannot be made"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    code, out, err = call(capsys, *arguments)
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith("train: error: ")
    assert words in err
    assert out == ""
    assert [p.name for p in tmp_path.iterdir() if p.name != ".keras"] == []


@pytest.mark.parametrize("page", ["stylegan2_ada", "lightweight_gan"])
def test_flags_that_the_documents_translate_are_answered(page, capsys):
    text = (Path(__file__).parents[1] / f"docs/coming_from/{page}.md").read_text("utf-8")
    cells = re.findall(r"^\| (`--[^|]*)", text, re.MULTILINE)
    flags = set(re.findall(r"--[a-z0-9-]+", " ".join(cells)))
    assert len(flags) > 10
    for flag in flags:
        _, _, err = call(capsys, "--dataset", "photos/", flag)
        assert "; here it is " in err or f"{flag}: expected one argument" in err, flag


def test_a_recipe_with_its_own_data_takes_no_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own = 'def load_data(settings):\n    return keras_gan.data.load("digits")\n'
    text = RECIPE.replace(", experiment.Settings", "")
    text = text.replace("    likelihood_samples: int = 50\n", "")
    Path("mine.py").write_text(text + own)
    code, _, err = call(capsys, "--recipe", "mine.py", "--dataset", "mnist")
    assert code == 2
    assert "--dataset" in err


def test_shapes_that_the_networks_do_not_take(recipe_file, tmp_path, capsys):
    np.save(
        tmp_path / "points.npy", np.zeros((600, 3), np.float32) + np.arange(3, dtype=np.float32)
    )
    code, _, err = call(capsys, "--recipe", recipe_file, "--dataset", tmp_path / "points.npy")
    assert code == 2
    assert err.count("\n") == 1


def test_nan_in_memory_is_refused_before_training(tmp_path, capsys):
    x = np.random.default_rng(0).random((300, 2)).astype(np.float32)
    x[17, 1] = np.nan
    np.save(tmp_path / "points.npy", x)
    code, _, err = call(capsys, "--dataset", tmp_path / "points.npy", "--run-dir", tmp_path / "run")
    assert code == 2
    assert "17" in err
    assert not (tmp_path / "run").exists()


LAYER = """
from __future__ import annotations

@dataclasses.dataclass
class Size:
    units: int = 16

@keras.saving.register_keras_serializable("mine")
class Doubled(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs
"""


def test_classes_of_a_recipe_file_are_loaded_with_its_run(tmp_path, capsys):
    text = LAYER.replace("@dataclasses", "import dataclasses, keras\n@dataclasses") + RECIPE
    text = text.replace("Dropout(0.3, seed=1), ", "Dropout(0.3, seed=1), Doubled(), ")
    text = text.replace("ema_momentum: float = 0.9", "").replace("settings.ema", "0.9")
    path = tmp_path / "mine.py"
    path.write_text(text)
    arguments = ("--recipe", path, "--run-dir", tmp_path / "run", "--epochs", "1")
    code, output, _ = call(capsys, *arguments)
    assert code == 0
    assert output.count("run --weights ema --trust-recipe\n") == 2  # to measure and to explore it
    made = run.Run.open(tmp_path / "run", trust_recipe=True)

    def forget():  # as in another process
        del keras.saving.get_custom_objects()["mine>Doubled"]
        for name in [name for name in sys.modules if name.startswith("recipe_")]:
            del sys.modules[name]

    forget()
    with pytest.raises(InputError, match=r"'Doubled', and the run names .* add --trust-recipe"):
        run.Run.open(tmp_path / "run").gan()
    init = ("--recipe", "digits", "--init", tmp_path / "run", "--dry-run")
    assert "add --trust-recipe" in call(capsys, *init)[2]
    assert "'Doubled'" not in call(capsys, *init, "--trust-recipe")[2]
    forget()
    assert any(type(layer).__name__ == "Doubled" for layer in made.gan().discriminator.layers)
    forget()
    path.unlink()
    with pytest.raises(InputError, match="'Doubled'"):
        run.Run.open(tmp_path / "run").gan()
    path.write_text(text.replace('@keras.saving.register_keras_serializable("mine")', ""))
    code, _, err = call(capsys, *arguments[:2], "--dry-run")
    assert code == 2
    assert "Doubled could be saved, but not loaded: decorate the class" in err


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc").exists(), reason="needs /proc")
def test_an_unwritable_run_directory_is_named(recipe_file, capsys):
    code, _, err = call(capsys, "--recipe", recipe_file, "--run-dir", "/proc/nowhere/run")
    assert code == 2
    assert "the run directory /proc/nowhere/run cannot be written" in err


def test_two_dimensional_points_of_ones_own(tmp_path, capsys):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "points.npy", rng.normal(size=(700, 2)).astype(np.float32))
    code, _, err = call(
        capsys, "--dataset", tmp_path / "points.npy", "--run-dir", tmp_path / "run", "--epochs", "1"
    )
    assert (code, err) == (0, ""), err
    assert (tmp_path / "run" / "samples" / "epoch-0001.png").exists()


def test_a_broken_loss_stops_and_keeps_the_last_good_checkpoint(tmp_path):
    model = small.gan(steps_per_execution=2)
    parts = [small.Poison(6), callbacks.StopOnNonFinite(), callbacks.Checkpoint(tmp_path)]
    with pytest.raises(
        TrainingError, match=r"epoch 2: a loss became NaN or Inf in step 6 \(counted from 0\)"
    ):
        model.fit(small.examples(32), batch_size=8, epochs=3, callbacks=parts, verbose=0)
    parts[-1].wait()  # a thread writes
    assert [p.name for p in tmp_path.iterdir()] == ["step-000000004"]
    again = small.gan()
    assert checkpoints.restore_latest(tmp_path, again) == {}
    assert int(again.step.numpy()) == 4
    assert checkpoints.all_finite(again)


def test_a_weight_broken_by_the_last_update_is_not_saved(tmp_path):
    class Late(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weight = self.model.discriminator.weights[0]
            weight.assign(np.full(weight.shape, np.nan, np.float32))

    model = small.gan()
    parts = [callbacks.StopOnNonFinite(), Late(), callbacks.Checkpoint(tmp_path)]
    with pytest.raises(TrainingError, match="epoch 1: a weight became NaN or Inf"):
        model.fit(small.examples(8), batch_size=8, callbacks=parts, verbose=0)
    assert list(tmp_path.iterdir()) == []


def test_training_that_breaks_exits_with_code_3(recipe_file, tmp_path, capsys):
    code, _, err = call(
        capsys,
        "--recipe",
        recipe_file,
        "--run-dir",
        tmp_path / "run",
        "--discriminator-learning-rate",
        "1e30",
    )
    assert code == 3
    assert err.startswith("train: training stopped: epoch 1: ")
    assert err.count("\n") == 1


def test_the_mnist_recipe_finds_its_data(needs_mnist, capsys):
    code, out, err = call(capsys, "--recipe", "mnist", "--dry-run")
    assert code == 0, err
    for words in ("500 an epoch x 300 epochs", "0 examples an epoch"):
        assert words in out


def cluster(workers=("a:1", "b:2"), index=0, kind="worker", **others):
    jobs = {"worker": list(workers), **others}
    return json.dumps({"cluster": jobs, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "TF_CONFIG must look like"),
        ("[]", "TF_CONFIG must look like"),
        ('{"cluster": {"worker": ["a:1"]}}', "TF_CONFIG must look like"),
        (cluster(["a", "b:2"]), "TF_CONFIG must look like"),
        (cluster(["a:0", "b:2"]), "TF_CONFIG must look like"),
        (cluster(["a:1", "b:65536"]), "TF_CONFIG must look like"),
        (cluster(kind=["worker"]), "TF_CONFIG must look like"),
        (cluster(kind=None), "TF_CONFIG must look like"),
        (cluster(chief="a:1"), "TF_CONFIG must look like"),
        (cluster(chief={"0": "a:1"}), "TF_CONFIG must look like"),
        ('{"cluster": {"worker": 3}, "task": {"type": "worker", "index": 0}}', "must look like"),
        ('{"cluster": 3, "task": {"type": "worker", "index": 0}}', "must look like"),
        ('{"cluster": {"worker": ["a:1"]}, "task": 3}', "must look like"),
        (cluster(index=1.0), "makes this process worker 1.0"),
        (cluster(index=True), "makes this process worker True"),
        (cluster(chief=["c:1", "d:1"]), "TF_CONFIG names 2 of chief; name one"),
        (cluster([f"host{i}:1" for i in range(9999)], 9999), "the cluster has 9999 of worker"),
        ("[" * 100_000, "TF_CONFIG must look like"),
        (cluster([1, 2]), "TF_CONFIG must look like"),
        (cluster(["a:1", "a:1"]), "TF_CONFIG names a:1 more than once"),
        (cluster(index=2), "makes this process worker 2, but the cluster has 2 of worker"),
        (cluster(index=-1), "makes this process worker -1"),
        (cluster(index="0"), "makes this process worker '0'"),
        (cluster(kind="chief"), "makes this process chief 0, but the cluster has 0 of chief"),
        (cluster(ps=["c:3"]), "TF_CONFIG may name chief and worker. Received: ps"),
    ],
)
def test_a_wrong_cluster_is_one_line(config, words, monkeypatch, capsys):
    monkeypatch.setenv("TF_CONFIG", config)
    code, _, err = call(capsys, "--strategy", "multi_worker")
    assert code == 2
    assert words in err
    assert err.count("\n") == 1


def test_a_broken_job_of_slurm_is_one_line(monkeypatch, capsys):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    for name in [name for name in os.environ if name.startswith("SLURM")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SLURM_PROCID", "0")
    code, _, err = call(capsys, "--strategy", "multi_worker")
    assert code == 2
    assert "cannot read the cluster from Slurm" in err
    assert err.count("\n") == 1


def in_slurm(monkeypatch, tasks_per_node, nodes):
    """Makes this process the third of three tasks of a step."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    for name, value in (
        ("PROCID", "2"),
        ("STEP_NUM_TASKS", "3"),
        ("STEP_TASKS_PER_NODE", tasks_per_node),
        ("STEP_NODELIST", nodes),
    ):
        monkeypatch.setenv(f"SLURM_{name}", value)


def test_the_cluster_of_a_slurm_job(monkeypatch):
    in_slurm(monkeypatch, "1(x3)", "node[07-09]")
    found = cluster_of_a_run.read()
    nodes = ["node07:8888", "node08:8888", "node09:8888"]
    assert found.cluster_spec().as_dict() == {"worker": nodes}
    assert (found.task_type, found.task_id) == ("worker", 2)


def test_the_ranks_of_a_slurm_job_are_in_the_order_of_its_list(monkeypatch):
    """TensorFlow's own resolver sorts names: n10 before n9."""
    in_slurm(monkeypatch, "1,2", "n[9-10]")
    found = cluster_of_a_run.read()
    addresses = found.cluster_spec().as_dict()["worker"]
    assert addresses == ["n9:8888", "n10:8888", "n10:8889"]
    assert (found.task_type, found.task_id) == ("worker", 2)
    assert found.num_accelerators() == {"GPU": 0}
    monkeypatch.setenv("SLURM_PROCID", "3")
    with pytest.raises(InputError, match="task 3 of 3"):
        cluster_of_a_run.read()


def test_a_collapse_is_watched_for(tmp_path, capsys, caplog, monkeypatch):
    """One epoch with tiny steps: all samples are still the mean of the data."""
    monkeypatch.setattr(classifier, "_SEEN", 2000)  # a poor classifier sees them as well
    rates = ["--generator-learning-rate", "1e-6", "--discriminator-learning-rate", "1e-6"]
    arguments = [
        "--recipe",
        "digits",
        "--epochs",
        "1",
        "--monitor-every",
        "1",
        "--likelihood-every",
        "0",
        *rates,
    ]
    assert call(capsys, *arguments, "--run-dir", tmp_path / "run")[0] == 0
    table = run.Run.open(tmp_path / "run").metrics()
    assert table["warnings"][0] >= 1
    assert table["sample_spread"][0] < 0.1
    assert any(
        r.message.startswith("epoch 1: ") for r in caplog.records if r.levelname == "WARNING"
    )


@pytest.mark.parametrize(("strategy", "xla"), [("one_device", True), ("mirrored", False)])
def test_precision_and_xla_under_a_strategy(strategy, xla, two_devices, tmp_path, capsys):
    arguments = ["--recipe", "digits", "--strategy", strategy, "--epochs", "1"]
    arguments += ["--precision", "mixed_bfloat16", "--likelihood-samples", "50"]
    arguments += ["--jit-compile"] if xla else []
    code, _, err = call(capsys, *arguments, "--run-dir", tmp_path / "run")
    assert code == 0, err
    opened = run.Run.open(tmp_path / "run")
    assert np.isfinite(opened.metrics()["value"]).all()
    assert opened.settings["jit_compile"] == xla
    gan = opened.gan()
    for network in (gan.generator, gan.discriminator):
        assert "bfloat16" in {layer.compute_dtype for layer in network.layers}
