"""The page of costs shows its JSON, and both loops train the same networks."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import subprocess
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

from benchmarks import (
    accelerator,
    cifar10_hour,
    draw_symbols,
    few_pictures,
    operations,
    plain,
    plain_loop,
    recipes,
    semi_supervised,
    steps,
)
from keras_gan import GAN, data, layers, networks, priors
from keras_gan import recipes as all_recipes
from keras_gan.experiment import TrainingData


def test_the_page_is_generated():
    if not recipes.FILE.is_file():
        assert not recipes.PAGE.exists()
        return
    report = json.loads(recipes.FILE.read_text())
    assert recipes.PAGE.read_text(encoding="utf-8") == recipes.render(report), recipes.COMMAND


def test_a_line_has_medians_and_the_ratio_of_pairs():
    ours = [{"seconds": s, "peak": p} for s, p in ((1.0, 500.0), (2.0, 510.0), (4.0, 520.0))]
    loop = [{"seconds": s, "peak": p} for s, p in ((2.0, 600.0), (3.0, 610.0), (12.0, 620.0))]
    line = recipes.row("digits", {"ours": ours, "plain": loop})
    assert (line["ours_seconds"], line["plain_seconds"], line["ratio"]) == (2.0, 3.0, 2.0)
    assert (line["ours_peak"], line["plain_peak"]) == (510.0, 610.0)
    report = {
        "rounds": 3,
        "rows": [line],
        "machine": {"cores": 2, "processor": "P", "memory_gib": 1.0, "load": 0.0},
        "versions": {"tensorflow": "2", "keras": "3"},
    }
    assert "| digits | 50 | simultaneous | 2.000 | 3.000 | 2.00 | 510 | 610 |" in recipes.render(
        report
    )


@pytest.mark.parametrize("who", ["ours", "plain"])
def test_each_loop_trains(who, monkeypatch):
    models = []

    def model_of_recipe(*arguments):
        gan, *others = steps.model_of_recipe(*arguments)
        models.append((gan.generator, small.weights(gan.generator)))
        return gan, *others

    monkeypatch.setattr(recipes, "model_of_recipe", model_of_recipe)
    result = recipes.measure("digits", who, steps=20)
    assert result["seconds"] > 0
    assert result["peak"] > 100
    ((generator, before),) = models
    moved = [np.abs(a - b).max() for a, b in zip(before, small.weights(generator), strict=True)]
    assert min(moved) > 0


def test_operations_of_a_step():
    """By hand: G 2-3-4, D 4-5-1, one row; D's step once, then G's."""
    generator, discriminator = [6, 12], [20, 5]
    d_step = 18 + 2 * 25 + 2 * (2 * 25 - 20)  # G(z), D of both, both backward passes
    g_step = 18 + 25 + 25 + 2 * 18 - 6  # G(z), D of it, back to the samples, back through G
    count = steps.flops_per_step(generator, discriminator, 1, 1, "alternating")
    assert count == 2 * (d_step + g_step)
    count = steps.flops_per_step(generator, discriminator, 10, 3, "simultaneous")
    assert count == 20 * (3 * d_step + g_step - 18 - 25)


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_the_own_limit_has_all_products_of_a_step(update):
    pair = (
        networks.mlp_generator(3, (2, 2, 1), hidden=[(5, "relu")], output_activation="linear"),
        networks.maxout_discriminator((2, 2, 1), units=2, pieces=2),
    )
    multiplications = sum(map(math.prod, steps.product_shapes(*pair, 10, update)))
    counts = [steps.products(network) for network in pair]
    assert 2 * multiplications == steps.flops_per_step(*counts, 10, 1, update)
    assert steps.own_limit(*pair, 10, update)() > 0


def test_the_plain_loop_has_keras_s_layers_and_the_same_shapes():
    own = networks.cifar10_conv_discriminator()
    other = plain.in_keras_layers(own)
    assert [w.shape for w in other.trainable_weights] == [w.shape for w in own.trainable_weights]
    assert other.output_shape == own.output_shape
    ours = (layers.Maxout, layers.Dropout, layers.GaussianNoise)
    assert any(isinstance(layer, ours) for layer in own.layers)
    assert not any(isinstance(layer, ours) for layer in other.layers)
    maximum = plain.PlainMaxout(2)(np.array([[[3.0, 5.0, -2.0, -1.0]]], np.float32))
    np.testing.assert_array_equal(maximum, [[[5.0, -1.0]]])


def test_few_labels_on_good_features_and_on_none():
    random = np.random.default_rng(0)
    labels, test_labels = np.arange(60) % 2, np.arange(40) % 2
    told, noise = (
        (function(labels), function(test_labels))
        for function in (
            lambda y: y[:, None] + 0.01 * random.normal(size=(len(y), 1)),
            lambda y: random.normal(size=(len(y), 3)),
        )
    )
    rows = semi_supervised.compare({"told": told, "noise": noise}, labels, test_labels, [8], 3)
    assert [row["features"] for row in rows] == ["told", "noise"]
    assert rows[0]["errors"] == [0, 0, 0]
    errors = rows[1]["errors"]
    assert len(errors) == 3
    assert 0.2 < rows[1]["error"] < 0.8
    (difference,) = rows[1]["differences"]
    standard_error = np.std(errors, ddof=1) / 3**0.5
    assert difference["to"] == "told"
    assert difference["difference"] == pytest.approx(np.mean(errors))
    assert difference["in_standard_errors"] == pytest.approx(np.mean(errors) / standard_error)


@pytest.mark.parametrize(
    ("name", "k"),
    [
        ("dcgan_penalties", 2),
        ("residual_penalties", 1),
        ("filtered_penalties", 1),
        ("sngan_k1", 1),
    ],
)
def test_the_plain_tensorflow_loop_does_the_same(name, k):
    case = dataclasses.replace(plain_loop.CASES[name], width=4, m=3, k=k)
    apart, moved = plain_loop.difference(case)
    assert apart < 1e-5
    assert moved > 1e-3


def test_ratios_to_the_plain_tensorflow_loop():
    case = dataclasses.replace(plain_loop.CASES["dcgan"], width=2, m=2)
    seconds, ratios = plain_loop.compare(case, pairs=2, steps=5)
    assert 0 < seconds < 10
    assert [len(values) for values in ratios.values()] == [2, 2]
    assert min(min(values) for values in ratios.values()) > 0


def test_operations_of_a_graph():
    """By hand, with backward passes: of the weights and, but for the first layer, of the inputs."""
    network = keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            keras.layers.Conv2D(8, 3, strides=2, padding="same"),
            keras.layers.Conv2D(6, 2, padding="same", groups=2),  # Keras calls a function there
            keras.layers.DepthwiseConv2D(2),
            keras.layers.Conv2DTranspose(5, 4, strides=2, padding="same"),
            keras.layers.Flatten(),
            keras.layers.Dense(7),
        ]
    )

    def gradients(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(x))
        return loss, tape.gradient(loss, network.trainable_variables)

    graph = tf.function(gradients).get_concrete_function(tf.TensorSpec((3, 6, 6, 4))).graph
    first = 3 * 3 * 8 * 3 * 3 * 4
    others = [3 * 3 * 6 * 2 * 2 * 4, 2 * 2 * 6 * 2 * 2, 2 * 2 * 6 * 5 * 4 * 4, 4 * 4 * 5 * 7]
    assert operations.products_of(graph) == 2 * 3 * (2 * first + 3 * sum(others))


def test_operations_of_a_step_of_convolutions():
    pair = (
        networks.dcgan_generator((8, 8, 1), 5, width=2),
        networks.dcgan_discriminator((8, 8, 1), width=2),
    )
    gan = GAN(*pair, priors.Normal(5))
    gan.compile("sgd", keras.optimizers.SGD(), discriminator_steps=2, jit_compile=False)
    expected = steps.flops_per_step(*map(steps.products, pair), 3, 2, "alternating")
    assert operations.products_per_step(gan, 3) == expected
    assert operations.product_rate("bfloat16", n=64, products=2) > 0


@pytest.fixture
def small_pictures(monkeypatch):
    """Networks of few layers."""
    monkeypatch.setitem(accelerator.SHAPES, accelerator.TOY_RECIPE, (8, 8, 1))


def accelerate(folder, *arguments):
    return accelerator.main([*arguments, "--toy", "--out", str(folder)])


def test_measurements_on_an_accelerator_go_on(tmp_path, small_pictures):
    for count in (1, 2):
        assert accelerate(tmp_path, "precision", "--minutes", "0") == 0
        assert len(json.loads((tmp_path / "precision.json").read_text())) == count
    assert accelerate(tmp_path, "speed", "--minutes", "0") == 0
    rows = {
        **json.loads((tmp_path / "precision.json").read_text()),
        **json.loads((tmp_path / "speed.json").read_text()),
    }
    float32, bfloat16, speed = rows.values()
    assert float32["d_loss"] == pytest.approx(bfloat16["d_loss"], rel=0.05)
    assert float32["d_loss"] != bfloat16["d_loss"]
    assert speed["share"] == pytest.approx(
        speed["gflop_per_image"]
        * speed["images_per_second"]
        / (1e3 * speed["tflop_per_second_of_a_product"]),
        rel=0.01,
    )


def test_training_on_an_accelerator_goes_on(tmp_path, small_pictures):
    seen = []
    for _ in range(2):
        command = ("train", "--recipe", "mnist_r3gan", "--minutes", "0.02")
        assert accelerate(tmp_path, *command) == 0
        seen.append(json.loads((tmp_path / "mnist_r3gan.json").read_text())["images"])
    assert 0 < seen[0] < seen[1]
    with np.load(tmp_path / "mnist_r3gan.npz") as weights:
        assert {array.dtype for array in weights.values()} == {np.dtype("float16")}
    assert (tmp_path / "mnist_r3gan.png").is_file()


def test_keras_io_s_dcgan_has_the_published_parameters():
    """As its page has them for 64x64, where the smallest maps are 8x8 and not 4x4."""
    recipe = all_recipes.get(cifar10_hour.RECIPES["keras.io's DCGAN"])
    settings = recipe.settings()
    gan, arguments = recipe.build(settings, TrainingData.of(settings, np.zeros((32, 32, 32, 3))))
    assert gan.discriminator.count_params() == 404_801 - (8 * 8 - 4 * 4) * 128
    dense = (128 + 1) * 8 * 8 * 128
    assert gan.generator.count_params() == dense // 4 + 262_272 + 524_544 + 2_097_664 + 38_403
    assert float(arguments["generator_optimizer"].learning_rate) == pytest.approx(1e-4)


def test_drawn_symbols_are_a_data_set(tmp_path):
    draw_symbols.main([str(tmp_path / "symbols"), "--each", "4"])
    pictures = data.PictureOptions(classes="folders")
    drawn = data.load(tmp_path / "symbols", pictures=pictures)
    assert drawn.label_names == tuple(sorted(draw_symbols.SYMBOLS))
    assert drawn.train.x.shape == (32, 28, 28, 1)
    assert np.mean(drawn.train.x, axis=(1, 2, 3)).min() > 5  # none is empty
    assert len(np.unique(drawn.train.x, axis=0)) == 32


def test_few_pictures(tmp_path, monkeypatch):
    x = np.arange(60, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    names = ("airplane", "automobile", "bird", "ship", "truck")
    split = data.Split(x, np.arange(60) % 5)
    cifar = data.DataSet("cifar10", split, split, split, names)
    with monkeypatch.context() as patch:
        patch.setattr(data, "load", lambda name: cifar)
        few_pictures.write_data(tmp_path, [3, 7])
    found = data.load(tmp_path / "vehicles-7.npz")
    np.testing.assert_array_equal(found.train.x[:, 0, 0, 0], [0, 1, 3, 4, 5, 6, 8])
    assert len(found.test) == 48
    assert len(data.load(tmp_path / "animals.npz").train) == 12
    results = {
        "distances": {
            "samples": {
                "frechet": {"distance": 123.456},
                "precision_recall": {"recall": 0.25},
                "standard_errors": {"frechet": 1.24},
            }
        },
        "diversity": {"Memorization": {"copies": 0.31}, "warnings": [{"name": "low-recall"}]},
    }
    line = few_pictures.row(400, True, False, results)
    assert line == "| 400 | yes | no | 123.5 ± 1.2 | 0.25 | 31.0% | low-recall |"


def test_the_hour_of_cifar10_shows_what_is_measured_of_few_pictures(tmp_path, monkeypatch):
    def points(n, seed):
        return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)

    splits = [data.Split(points(n, seed)) for seed, n in enumerate((40, 20, 30))]
    evaluator = {"network": None, "unit": np.asarray, "sampler": points}

    def evaluator_of(run, load_data, settings):
        return SimpleNamespace(settings=settings, data=data.DataSet("points", *splits), **evaluator)

    run = SimpleNamespace(path=tmp_path, gan=lambda: SimpleNamespace(step=1234))
    monkeypatch.setattr(few_pictures, "Evaluator", evaluator_of)
    monkeypatch.setattr(few_pictures.samples, "measure_diversity", lambda of, by: {"warnings": []})
    monkeypatch.setattr(cifar10_hour.Run, "open", lambda *arguments, **named: run)
    monkeypatch.setattr(cifar10_hour, "training_seconds", lambda run: 3600.0)
    cells = cifar10_hour.row("pictures", tmp_path).strip("| ").split(" | ")
    assert len(cells) == cifar10_hour.HEAD.count("|") - 1
    assert cells[:3] == ["pictures", "60", "1,234"]
    assert float(cells[4]) > 0  # the floor


def test_an_accelerator_s_steps_in_turn(tmp_path, monkeypatch):
    commands = []

    def run(command, **kwargs):
        commands.append(command)
        return subprocess.CompletedProcess(command, -15 if "train" in command else 0, "FAILED a\nb")

    monkeypatch.setattr(accelerator.subprocess, "run", run)
    assert accelerate(tmp_path, "all", "--minutes", "9") == -15
    assert [command[2] for command in commands] == ["tests", "precision", "speed", "train"]
    minutes = [float(command[-1]) for command in commands]
    assert minutes == pytest.approx([2.7, 2.7, 2.7, 8.7], abs=0.1)
    assert accelerate(tmp_path, "tests") == 1
    row = json.loads((tmp_path / "tests.json").read_text())["losses"]
    assert row["error"] == ["FAILED a"]
    assert row["summary"] == "b"


def test_a_step_is_divided_into_its_kernels(monkeypatch, capsys):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    profile = importlib.import_module("step_profile")
    assert profile.covered([("A", 4.0, 6.0), ("B", 1.0, 2.0), ("A", 1.5, 3.0)]) == 4.0
    assert profile.main(["--recipe", "digits", "--steps", "20"]) is None
    shown = capsys.readouterr().out
    assert "ms a step" in shown
    assert "MatMul" in shown


def test_the_cost_model_finds_the_numbers_that_times_were_made_of(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    model = importlib.import_module("cost_model")
    truth = np.array([0.005, 1e-10, 2e-9, 4e-9, 0.003])  # s, 1 / r, 1 / u, 1 / b, l
    keys = [(f, g, w) for f in (1e8, 1e9, 1e10) for g in (1e6, 1e7) for w in (1, 2, 4)]
    rows = np.array([model.terms(*key, cores=2) for key in keys])
    np.testing.assert_allclose(model.fit(rows, rows @ truth), truth, rtol=1e-6)

    file = tmp_path / "times.json"
    names = [f"digits {m} {w}" for m in model.TOY["digits"] for w in (1, 2, 4, 8)]
    file.write_text(json.dumps({name: [0.1, 0.2, 0.3] for name in names}))  # all is measured
    assert model.main(["--out", str(file), "--toy"]) == 0
    shown = capsys.readouterr().out
    assert "8 workers are predicted" in shown
    assert "1000" in shown
