"""Schedules of the paper's released code, as Keras schedules of an optimizer's updates."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from keras_gan.core.errors import InputError


@keras.saving.register_keras_serializable("keras_gan")
class GeometricDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is divided by a constant after every update, down to a floor.

    Args:
        initial: Rate of the first update.
        divisor: Divisor of the rate after each update, at least 1; 1.000004 in the released code.
        floor: Smallest rate, at most `initial`; 1e-6 in the released code.
    """

    def __init__(self, initial: float, divisor: float = 1.000004, floor: float = 1e-6):
        super().__init__()
        if not (0 <= floor <= initial < math.inf and initial > 0 and 1 <= divisor < math.inf):
            raise InputError(
                "a decay needs `initial` > 0, `divisor` >= 1 and 0 <= `floor` <= `initial`. "
                f"Received: initial={initial}, divisor={divisor}, floor={floor}"
            )
        self.initial = initial
        self.divisor = divisor
        self.floor = floor

    def __call__(self, step):
        """Rate of update `step` (counted from 0), a float32 scalar."""
        # float32 cannot represent 1.000004 accurately, so its logarithm is computed in float64.
        exponent = tf.cast(step, tf.float32) * -math.log(self.divisor)
        return tf.maximum(self.initial * tf.exp(exponent), self.floor)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"initial": self.initial, "divisor": self.divisor, "floor": self.floor}


@keras.saving.register_keras_serializable("keras_gan")
class EpochRamp(keras.optimizers.schedules.LearningRateSchedule):
    """A value that changes linearly from one epoch to another and is constant within an epoch.

    Epochs count from 0, as in `fit`: the value is `initial` up to epoch `start` and `final` from
    epoch `end` on. The released code raises the momentum in this way from epoch 1 to 250.

    Args:
        initial: Value up to epoch `start`.
        final: Value from epoch `end` on.
        start: Epoch where the ramp begins.
        end: Epoch where it ends, greater than `start`.
        updates_per_epoch: Updates of this optimizer in an epoch, at least 1.
    """

    def __init__(self, initial: float, final: float, start: int, end: int, updates_per_epoch: int):
        super().__init__()
        if not 0 <= start < end or updates_per_epoch < 1:
            raise InputError(
                "a ramp needs 0 <= `start` < `end` and `updates_per_epoch` >= 1. "
                f"Received: start={start}, end={end}, updates_per_epoch={updates_per_epoch}"
            )
        self.initial = initial
        self.final = final
        self.start = start
        self.end = end
        self.updates_per_epoch = updates_per_epoch

    def __call__(self, step):
        """Value at update `step` (counted from 0), a float32 scalar."""
        epoch = tf.cast(tf.cast(step, tf.int64) // self.updates_per_epoch, tf.float32)
        progress = tf.clip_by_value((epoch - self.start) / (self.end - self.start), 0.0, 1.0)
        return self.initial + progress * (self.final - self.initial)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "initial": self.initial,
            "final": self.final,
            "start": self.start,
            "end": self.end,
            "updates_per_epoch": self.updates_per_epoch,
        }
