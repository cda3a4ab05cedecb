"""Schedules against the rules of the released code and of the papers in double precision."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan import InputError
from keras_gan.optimizers import schedules


def values(schedule, steps):
    return np.array([schedule(tf.constant(step, tf.int64)) for step in steps])


@pytest.mark.parametrize("initial", [0.1, 0.05, 0.025, 0.004])
def test_decay_is_accurate_to_the_millionth_update(initial):
    steps = np.unique(np.geomspace(1, 1e6, 60).astype(int) - 1)
    expected = np.maximum(initial / np.float64(1.000004) ** steps, 1e-6)
    rates = values(schedules.GeometricDecay(initial), steps)
    assert rates.dtype == np.float32
    np.testing.assert_allclose(rates, expected, rtol=5e-7)
    assert rates[0] == np.float32(initial)


def test_decay_stops_at_its_floor():
    decay = schedules.GeometricDecay(0.1, divisor=1.1, floor=0.01)
    steps = np.arange(60)
    np.testing.assert_allclose(values(decay, steps), np.maximum(0.1 / 1.1**steps, 0.01), rtol=1e-6)
    np.testing.assert_allclose(values(decay, [24, 25, 10**9]), [0.1 / 1.1**24, 0.01, 0.01], 1e-6)


def released_momentum(epoch, initial=0.5, final=0.7, start=1, end=250):
    weight = np.clip((epoch - start) / (end - start), 0, 1)
    return initial * (1 - weight) + final * weight


def test_ramp_rises_by_epochs():
    per_epoch = 500
    ramp = schedules.EpochRamp(0.5, 0.7, 1, 250, per_epoch)
    epochs = np.arange(260)
    expected = [released_momentum(epoch) for epoch in epochs]
    np.testing.assert_allclose(values(ramp, epochs * per_epoch), expected, rtol=2e-7)
    np.testing.assert_allclose(values(ramp, epochs * per_epoch + 499), expected, rtol=2e-7)
    assert values(ramp, [0, 2 * per_epoch - 1]).tolist() == [0.5, 0.5]
    assert values(ramp, [2 * per_epoch])[0] == pytest.approx(0.5 + 0.2 / 249, rel=2e-7)
    assert values(ramp, [250 * per_epoch, 10**12]).tolist() == [np.float32(0.7)] * 2


@pytest.mark.parametrize("jit_compile", [False, True])
def test_graphs_give_the_same_values(jit_compile):
    found = [
        schedules.GeometricDecay(0.1, floor=0.05),
        schedules.EpochRamp(0.9, 0.2, 0, 3, updates_per_epoch=7),
    ]
    for schedule in found:
        function = tf.function(schedule, jit_compile=jit_compile)
        for step in (0, 20, 10**6):
            at = tf.constant(step, tf.int64)
            np.testing.assert_allclose(function(at), schedule(at), rtol=1e-6)


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.GeometricDecay(0.1, 1.5, 0.01),
        schedules.EpochRamp(0.5, 0.7, 1, 9, 4),
        schedules.Cosine(0.1, 0.0, images=30),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_serialization(schedule):
    config = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(config)
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    for images in range(50):
        with schedules.counting_images(tf.constant(images)):
            assert again(images) == schedule(images)


@pytest.mark.parametrize(
    "arguments",
    [
        {"initial": 0},
        {"initial": -1},
        {"initial": np.nan},
        {"initial": np.inf},
        {"initial": 0.1, "divisor": 0.99},
        {"initial": 0.1, "divisor": np.nan},
        {"initial": 0.1, "floor": -1e-6},
        {"initial": 0.1, "floor": 0.2},
        {"initial": "0.1"},
    ],
)
def test_decay_refuses(arguments):
    with pytest.raises(InputError, match="divisor"):
        schedules.GeometricDecay(**arguments)


@pytest.mark.parametrize(
    ("start", "end", "updates"), [(-1, 2, 5), (2, 2, 5), (3, 2, 5), (1, 2, 0), ("1", 2, 5)]
)
def test_ramp_refuses(start, end, updates):
    with pytest.raises(InputError, match="updates_per_epoch"):
        schedules.EpochRamp(0.5, 0.7, start, end, updates)


# --------------------------------------------------------------- functions of the images seen


def test_cosine_follows_the_published_rule():
    schedule = schedules.Cosine(2e-4, 5e-5, images=1000)
    images = np.array([0, 1, 250, 500, 999, 1000, 10**9])
    part = np.minimum(images / 1000, 1)
    weight = (1 + np.cos(np.pi * part)) / 2
    expected = weight * 2e-4 + (1 - weight) * 5e-5
    found = [schedule.at(tf.constant(n, tf.float32)) for n in images]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("jit_compile", [None, False, True])
def test_a_schedule_of_images_is_the_same_for_every_optimizer(jit_compile):
    schedule = schedules.Cosine(1.0, 0.0, images=100)

    def rate(images, updates):
        with schedules.counting_images(images):
            return schedule(updates)

    if jit_compile is not None:
        rate = tf.function(rate, jit_compile=jit_compile)
    for updates in (0, 7):
        value = rate(tf.constant(25, tf.int64), tf.constant(updates))
        assert value.dtype == tf.float32
        np.testing.assert_allclose(value, (1 + np.cos(np.pi / 4)) / 2, rtol=1e-6)
    with pytest.raises(InputError, match="counting_images"):
        schedule(3)


def test_current_values_are_numbers_or_schedules():
    assert schedules.current_value(0.5) == 0.5
    assert schedules.current_value(None) is None
    with schedules.counting_images(tf.constant(0, tf.int64)):
        assert float(schedules.current_value(schedules.Cosine(3.0, 0.0, images=10))) == 3.0


@pytest.mark.parametrize("arguments", [(np.nan, 1, 1), (1, np.inf, 1), (1, 0, 0), (1, 0, np.inf)])
def test_cosine_refuses(arguments):
    with pytest.raises(InputError, match="images"):
        schedules.Cosine(*arguments)
