"""The page of costs shows its JSON, and both loops train the same networks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import small

from benchmarks import plain, recipes, semi_supervised, steps
from keras_gan import layers, networks


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
