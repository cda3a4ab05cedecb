"""Schedules of learning rates, momentum, penalty weights, EMA half-lives and augmentation strength.

All are `keras.optimizers.schedules.LearningRateSchedule`s, of two kinds:

    of updates   `GeometricDecay`, `EpochRamp` and Keras's own: functions of the number of updates
                 of one optimizer. The paper's recipes use these.
    of images    `ImageSchedule`s: functions of the number of real images that D has seen, the same
                 for every optimizer, batch size and number of D's steps.
"""

from __future__ import annotations

import contextlib
import contextvars
import math
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_gan.core.arguments import defines, is_number
from keras_gan.core.errors import InputError


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule whose attributes are its constructor's arguments."""

    def get_config(self) -> dict:
        return dict(vars(self))


@keras.saving.register_keras_serializable("keras_gan")
class GeometricDecay(_Schedule):
    """A learning rate that is divided by a constant after every update, down to a floor.

    Args:
        initial: Rate of the first update.
        divisor: Divisor of the rate after each update, at least 1; 1.000004 in the released code.
        floor: Smallest rate, at most `initial`; 1e-6 in the released code.
    """

    def __init__(self, initial: float, divisor: float = 1.000004, floor: float = 1e-6):
        numbers = all(is_number(value) for value in (initial, divisor, floor))
        if not (
            numbers and 0 <= floor <= initial < math.inf and initial > 0 and 1 <= divisor < math.inf
        ):
            raise InputError(
                "a decay needs `initial` > 0, `divisor` >= 1 and 0 <= `floor` <= `initial`. "
                f"Received: initial={initial!r}, divisor={divisor!r}, floor={floor!r}"
            )
        self.initial, self.divisor, self.floor = initial, divisor, floor

    def __call__(self, step):
        """Rate of update `step` (counted from 0), a float32 scalar."""
        # float32 cannot represent 1.000004 accurately, so its logarithm is computed in float64.
        exponent = tf.cast(step, tf.float32) * -math.log(self.divisor)
        return tf.maximum(self.initial * tf.exp(exponent), self.floor)


@keras.saving.register_keras_serializable("keras_gan")
class EpochRamp(_Schedule):
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
        values = (initial, final, start, end, updates_per_epoch)
        numbers = all(is_number(value) and math.isfinite(value) for value in values)
        if not numbers or not 0 <= start < end or updates_per_epoch < 1:
            raise InputError(
                "a ramp needs finite numbers, 0 <= `start` < `end` and `updates_per_epoch` >= 1. "
                f"Received: initial={initial!r}, final={final!r}, start={start!r}, end={end!r}, "
                f"updates_per_epoch={updates_per_epoch!r}"
            )
        self.initial, self.final, self.start, self.end = initial, final, start, end
        self.updates_per_epoch = updates_per_epoch

    def __call__(self, step):
        """Value at update `step` (counted from 0), a float32 scalar."""
        epoch = tf.cast(tf.cast(step, tf.int64) // self.updates_per_epoch, tf.float32)
        progress = tf.clip_by_value((epoch - self.start) / (self.end - self.start), 0.0, 1.0)
        return self.initial + progress * (self.final - self.initial)


_images_seen: contextvars.ContextVar[tf.Tensor | None] = contextvars.ContextVar(
    "images_seen", default=None
)


@contextlib.contextmanager
def counting_images(images_seen: tf.Tensor) -> Iterator[None]:
    """Inside, schedules of images have their values at this number, a scalar int tensor."""
    token = _images_seen.set(images_seen)
    try:
        yield
    finally:
        _images_seen.reset(token)


class ImageSchedule(_Schedule):
    """Base of the schedules of images seen. A subclass writes `at(images)`.

    Its attributes are its constructor's arguments; one that has others writes `get_config` too.

    Use one wherever a number is expected that may change during training: as an optimizer's
    `learning_rate`, as the weight of a regularizer, as the half-life of an EMA.
    """

    def at(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the value after so many images, a float32 scalar; `images` is float32.

        Both are tensors of a graph: write `keras.ops.where(images < 1000, 1.0, 0.5)`, not `if`.
        """
        raise NotImplementedError

    def __call__(self, step=None):
        """Value now; an optimizer's own number of updates is ignored."""
        defines(self, ImageSchedule, "at")
        images = _images_seen.get()
        if images is None:
            raise InputError(
                f"{type(self).__name__} is a function of the images seen, which is known only "
                "while a GAN trains; call `at(images)`, or train in `counting_images(images)`"
            )
        return self.at(tf.cast(images, tf.float32))


def current_value(value: float | ImageSchedule | None) -> Any:
    """A number, or the present value of a schedule of images."""
    return value() if isinstance(value, ImageSchedule) else value


class _Transition(ImageSchedule):
    """From one value to another, then constant.

    Args:
        initial: Value before the first image.
        final: Value from image `images` on.
        images: Length of the transition, greater than 0.
    """

    def __init__(self, initial: float, final: float, images: float):
        numbers = all(is_number(v) and math.isfinite(v) for v in (initial, final, images))
        if not numbers or images <= 0:
            raise InputError(
                "this schedule needs finite `initial` and `final` and `images` > 0. "
                f"Received: initial={initial!r}, final={final!r}, images={images!r}"
            )
        self.initial, self.final, self.images = initial, final, images

    def at(self, images: tf.Tensor) -> tf.Tensor:
        share = self._share(tf.minimum(images / self.images, 1.0))
        return self.initial + share * (self.final - self.initial)

    def _share(self, progress: tf.Tensor) -> tf.Tensor:
        """How much of the way is made when so much of its length is behind."""
        return progress


@keras.saving.register_keras_serializable("keras_gan")
class Linear(_Transition):
    """From one value to another along a line, then constant.

    Args:
        initial: Value before the first image.
        final: Value from image `images` on.
        images: Length of the line, greater than 0.
    """


@keras.saving.register_keras_serializable("keras_gan")
class Cosine(_Transition):
    """From one value to another along half a cosine, then constant.

    `v(t) = initial + (1 - (1 + cos(pi t / images)) / 2) (final - initial)` for t < `images`: the
    burn-in of R3GAN (Huang et al. 2024, arXiv:2501.05441).

    Args:
        initial: Value before the first image.
        final: Value from image `images` on.
        images: Length of the burn-in, greater than 0.
    """

    def _share(self, progress: tf.Tensor) -> tf.Tensor:
        return (1 - tf.cos(math.pi * progress)) / 2
