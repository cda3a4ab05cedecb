"""`CollapseMonitor` during `fit`, on generators that collapse, and recover, on purpose."""

import logging

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.callbacks import CollapseMonitor
from keras_gan.core.errors import InputError
from keras_gan.evaluation.collapse.detector import CollapseDetector
from keras_gan.evaluation.collapse.thresholds import Thresholds
from keras_gan.evaluation.features import classifier

HEALTHY, COLLAPSED = np.eye(2), np.zeros((2, 2))


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(0).standard_normal((2000, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def detector(data):
    return CollapseDetector(data)


def play(data, monitor, kernels):
    """Fits a GAN whose generator is `z @ kernel`, one kernel an epoch; its data are `z` itself."""
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, use_bias=False)])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    gan = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(2))
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    change = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: generator.set_weights([kernels[epoch]])
    )
    return gan.fit(data[:200], epochs=len(kernels), callbacks=[change, monitor], verbose=0).history


def test_a_generator_like_the_data_raises_nothing(data, detector, caplog):
    monitor = CollapseMonitor(detector)
    history = play(data, monitor, [HEALTHY])
    assert monitor.warnings == ()
    assert [r for r in caplog.records if r.name == "keras_gan"] == []
    assert history["warnings"] == [0]
    assert history["kinds_found"] == [20]
    np.testing.assert_allclose(history["sample_spread"], 1, atol=0.1)


def test_a_collapse_is_told_once_until_it_comes_back(data, detector, caplog):
    monitor = CollapseMonitor(detector)
    history = play(data, monitor, [COLLAPSED, COLLAPSED, HEALTHY, COLLAPSED])
    told = [r.getMessage() for r in caplog.records if r.name == "keras_gan"]
    assert all(r.levelno == logging.WARNING for r in caplog.records if r.name == "keras_gan")
    for name in ("identical-samples", "constant-output", "one-region-only"):
        epochs = [text.partition(":")[0] for text in told if f" {name}: " in text]
        assert epochs == ["epoch 1", "epoch 4"]
    assert {warning.name for warning in monitor.warnings} == {
        "identical-samples",
        "constant-output",
        "one-region-only",
    }
    assert len(told) == 6
    assert history["warnings"] == [3, 3, 0, 3]
    assert history["kinds_found"] == [1, 1, 20, 1]
    assert history["sample_spread"][0] < 1e-12


def test_a_collapse_to_a_line_loses_regions(data, detector, caplog):
    monitor = CollapseMonitor(detector)
    history = play(data, monitor, [np.diag([1.0, 0.0])])
    assert [warning.name for warning in monitor.warnings] == ["regions-missing"]
    assert "the samples lack regions" in caplog.text
    assert history["kinds_found"][0] < 20


def test_examines_every_n_epochs_and_the_last(data, detector):
    monitor = CollapseMonitor(detector, every=2)
    history = play(data, monitor, [HEALTHY, COLLAPSED, HEALTHY])
    assert history["warnings"] == [3, 0]
    assert history["kinds_found"] == [1, 20]
    assert len(history["sample_spread"]) == 2


def test_thresholds_decide(data, detector, caplog):
    lenient = Thresholds(constant=0.0, little_variety=0.3)
    monitor = CollapseMonitor(detector, thresholds=lenient)
    play(data, monitor, [0.5 * HEALTHY])
    assert "little-variety" in {warning.name for warning in monitor.warnings}
    monitor = CollapseMonitor(detector)
    play(data, monitor, [0.5 * HEALTHY])
    assert "little-variety" not in {warning.name for warning in monitor.warnings}


def test_of_a_data_set_names_its_classes_on_its_scale(monkeypatch):
    monkeypatch.setattr(classifier, "_SEEN", 20_000)  # enough to tell a seven
    digits = keras_gan.data.load("digits")
    scale = keras_gan.data.UnitRange()
    monitor = CollapseMonitor.of(digits, scale, every=1, samples=300)
    x = scale.normalize(digits.train.x)
    seven = x[np.flatnonzero(digits.train.y == 7)[0]]
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1))]
    )
    generator.set_weights([np.zeros((2, 64)), seven.ravel()])
    discriminator = keras_gan.networks.maxout_discriminator((8, 8, 1), units=2)
    gan = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(2))
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    history = gan.fit(x[:100], epochs=1, callbacks=[monitor], verbose=0).history
    assert history["kinds_found"] == [1]
    messages = {warning.name: warning.message for warning in monitor.warnings}
    assert "of class 7" in messages["one-class-only"]
    assert {"constant-output", "training-set-memorized"} <= set(messages)


@pytest.mark.parametrize("settings", [{"samples": 1}, {"every": 0}, {"every": 2.5}])
def test_refuses(detector, settings):
    with pytest.raises(InputError, match="must be an int >= "):
        CollapseMonitor(detector, **settings)
