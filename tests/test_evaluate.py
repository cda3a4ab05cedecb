"""The evaluate command: its numbers with their protocol, and one line for what cannot be used."""

from __future__ import annotations

import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from keras_gan import data, evaluate, train
from keras_gan.evaluation import distances
from keras_gan.evaluation.classifier import Classifier
from keras_gan.run import Run


def train_quickly(path, *arguments):
    fast = ["--epochs", "1", "--likelihood-every", "0", "--averaging", "0", *arguments]
    assert train.main(["--run-dir", str(path), *map(str, fast)]) == 0
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return train_quickly(tmp_path_factory.mktemp("runs") / "digits")


@pytest.fixture
def run(finished, tmp_path):
    """A copy to break."""
    return shutil.copytree(finished, tmp_path / "run")


def refused(capsys, *arguments):
    code = evaluate.main([str(argument) for argument in arguments])
    err = capsys.readouterr().err
    assert code == 2
    assert err.startswith("evaluate: error: ")
    assert err.count("\n") == 1
    return err


def test_every_number_has_its_protocol(run, capsys):
    assert evaluate.main([str(run), "--samples", "300", "--seed", "3"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Mean log-likelihood of the test set of digits" in out
    assert "Frechet" in out
    found = json.loads((run / "evaluation.json").read_text())["last"]
    assert found["run"]["epochs"] == 1
    assert found["versions"]["keras_gan"]
    rows = [found["likelihood"], *found["sanity"].values()]
    for row in rows:
        assert row["bandwidth"] in row["grid"]
        assert row["seed"] == 3
        assert row["validation"] == 179
        assert row["dimension"] == 64
        assert np.isfinite([row["mean"], row["standard_error"]]).all()
    assert found["likelihood"]["samples"] == 300


def test_distances_are_those_of_the_features(run):
    assert evaluate.main([str(run), "--samples", "300"]) == 0
    found = json.loads((run / "evaluation.json").read_text())["last"]["distances"]
    digits = data.load("digits")
    unit = data.UnitRange().forward
    features = Classifier.fit(unit(digits.train.x), digits.train.y).features
    expected = distances.frechet_distance(
        features(unit(digits.test.x)), features(Run.open(run).samples(300, 0))
    )
    np.testing.assert_allclose(
        found["samples"]["frechet"]["distance"], expected.distance, rtol=1e-4
    )
    samples, real = found["samples"], found["training examples"]
    assert samples["frechet"]["distance"] > 5 * real["frechet"]["distance"]
    assert samples["kernel"]["distance"] > 5 * abs(real["kernel"]["distance"])
    assert samples["support"]["coverage"] < 0.5 < real["support"]["coverage"]
    assert real["support"]["precision"] > 0.7


def test_several_sets_show_how_far_to_trust_the_number(run, capsys):
    assert evaluate.main([str(run), "--samples", "100", "--sets", "5", "--no-sanity"]) == 0
    assert "over 5 sets of samples" in capsys.readouterr().out
    found = json.loads((run / "evaluation.json").read_text())["last"]
    spread = found["likelihood"]["spread"]
    assert [row["seed"] for row in spread["sets"]] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(spread["mean"], np.mean([row["mean"] for row in spread["sets"]]))
    errors = {row["dimension"]: row["error"] for row in found["gaussian_error"]}
    np.testing.assert_allclose([errors[10], errors[784]], [-0.32, -214.6], rtol=0.05)
    with Image.open(run / "figures" / "trust.png") as picture:
        assert picture.width > picture.height > 300


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--samples", "1"], "--samples must be at least 2. Received: 1"),
        (["--samples", "many"], "argument --samples: invalid int value: 'many'"),
        (["--sets", "3"], "--sets must be 1 or at least 5. Received: 3"),
        (["--weights", "worst"], "unknown weights 'worst'; choose from"),
        (["--weights", "best"], "no best model"),
        (["--weights", "averaged"], "keeps no averaged weights"),
        (["--strategy", "paralell"], "unknown strategy 'paralell'"),
    ],
)
def test_bad_arguments(finished, arguments, words, capsys):
    assert words in refused(capsys, finished, *arguments)
    assert not (finished / "evaluation.json").exists()


def test_a_directory_that_is_no_run(tmp_path, capsys):
    assert "is not a run directory" in refused(capsys, tmp_path)


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
