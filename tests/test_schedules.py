"""Schedules against the released code's rules in double precision."""

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
    [schedules.GeometricDecay(0.1, 1.5, 0.01), schedules.EpochRamp(0.5, 0.7, 1, 9, 4)],
    ids=lambda schedule: type(schedule).__name__,
)
def test_serialisation(schedule):
    config = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(config)
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    np.testing.assert_array_equal(values(again, range(50)), values(schedule, range(50)))


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
    ],
)
def test_decay_refuses(arguments):
    with pytest.raises(InputError, match="a decay needs"):
        schedules.GeometricDecay(**arguments)


@pytest.mark.parametrize(("start", "end", "updates"), [(-1, 2, 5), (2, 2, 5), (3, 2, 5), (1, 2, 0)])
def test_ramp_refuses(start, end, updates):
    with pytest.raises(InputError, match="a ramp needs"):
        schedules.EpochRamp(0.5, 0.7, start, end, updates)
