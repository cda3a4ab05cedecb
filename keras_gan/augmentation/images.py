"""The base class of augmentations of images, and their random numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from keras_gan.augmentation.adaptive import Adaptive
from keras_gan.augmentation.base import Augmentation
from keras_gan.core import arguments, randomness
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.optimizers.schedules import ImageSchedule, current_value


class ImageAugmentation(Augmentation):
    """Base of the augmentations of images, float32 `[n, h, w, c]`."""

    def build(self, input_shape) -> None:
        """Checks that the examples are images."""
        if len(input_shape) != 4:
            raise InputError(
                f"{type(self).__name__} takes images [height, width, channels]. "
                f"Received: examples of shape {tuple(input_shape[1:])}"
            )


class ScheduledAugmentation(ImageAugmentation):
    """Base of those with a probability.

    Args:
        probability: A number in [0, 1], a schedule of images seen, or `Adaptive`.
    """

    def __init__(self, probability: float | ImageSchedule | Adaptive, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(probability, ImageSchedule | Adaptive):
            probability = arguments.probability("probability", probability)
        self.probability: Any = probability
        self.reads_signs = self.uses_batch_means = isinstance(probability, Adaptive)

    def build(self, input_shape) -> None:
        """Creates the state of an adaptive probability besides."""
        super().build(input_shape)
        if isinstance(self.probability, Adaptive) and not self.probability.built:
            self.probability.build()

    def update(self, real: DiscriminatorOutput) -> None:
        """Tells an adaptive probability what D says of data."""
        if isinstance(self.probability, Adaptive):
            self.probability.update(real)

    @property
    def strength(self) -> tf.Tensor:
        """The present probability, a float32 scalar."""
        if isinstance(self.probability, Adaptive):
            return tf.convert_to_tensor(self.probability.value)
        return tf.convert_to_tensor(current_value(self.probability), tf.float32)

    def get_config(self) -> dict:
        probability = keras.saving.serialize_keras_object(self.probability)
        return {**super().get_config(), "probability": probability}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        """Makes the augmentation from `get_config`'s dictionary."""
        if "probability" in config:
            probability = keras.saving.deserialize_keras_object(config["probability"])
            config = {**config, "probability": probability}
        return cls(**config)


def _bits(shape: Sequence[int]) -> tf.Tensor:
    return randomness.required_draws("an augmentation").bits(shape)


def uniform(shape: Sequence[int] = ()) -> tf.Tensor:
    """New float32 numbers in (0, 1), `[n, *shape]`."""
    return randomness.uniform(_bits(shape))


def normal(shape: Sequence[int] = ()) -> tf.Tensor:
    """New float32 standard normal numbers, `[n, *shape]`."""
    return randomness.normal(_bits(shape))


def angles() -> tf.Tensor:
    """New float32 angles in (-pi, pi), `[n, 1]`."""
    return (2 * uniform([1]) - 1) * math.pi


def integers(count: int, shape: Sequence[int] = ()) -> tf.Tensor:
    """New whole numbers in `0 ... count - 1`, float32 `[n, *shape]`.

    Places of pixels are float32, too: TensorFlow computes with int32 in the host's memory.
    """
    # The largest product rounds to `count`.
    return tf.minimum(tf.floor(uniform(shape) * count), count - 1)


def sometimes(probability: tf.Tensor | float, values: tf.Tensor) -> tf.Tensor:
    """The values `[n, k]` of an image with this probability, else zeros."""
    return tf.where(uniform([1]) < probability, values, tf.zeros_like(values))


def choose(condition: tf.Tensor, one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Images of `one` where `condition`, bool `[n]`, is true, else of `other`, bit for bit."""
    # `tf.where` would broadcast the condition, which takes five times as long on CPUs.
    return tf.raw_ops.Select(condition=condition, x=one, y=other)
