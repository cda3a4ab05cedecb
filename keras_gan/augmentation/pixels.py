"""Augmentations that move or change pixels."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.augmentation.base import Augmentation
from keras_gan.core import randomness

__all__ = ["RandomFlip"]


@keras.saving.register_keras_serializable("keras_gan")
class RandomFlip(Augmentation):
    """Mirrors each image left to right with probability 1/2."""

    def call(self, examples: tf.Tensor) -> tf.Tensor:
        """Returns the images, some of them mirrored, `[n, h, w, c]`."""
        draws = randomness.current_draws()
        if draws is None:
            raise ValueError("RandomFlip draws from the step of a GAN; call it in `drawing_from`")
        mirrored = randomness.uniform(draws.bits([1, 1, 1])) < 0.5
        return tf.where(mirrored, tf.reverse(examples, axis=[2]), examples)
