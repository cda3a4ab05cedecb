"""Differentiable augmentation."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.augmentation.adaptive import Adaptive
from keras_gan.augmentation.images import ScheduledAugmentation, choose, uniform
from keras_gan.augmentation.pixels import random_cutout, random_shift
from keras_gan.core import arguments
from keras_gan.core.errors import InputError
from keras_gan.optimizers.schedules import ImageSchedule

__all__ = ["DiffAugment"]


@keras.saving.register_keras_serializable("keras_gan")
class DiffAugment(ScheduledAugmentation):
    """Changes images at random (Zhao et al. 2020, arXiv:2006.10738).

    Each policy is drawn for each image, u ~ U(0, 1) being new in each place:

        color         brightness `x + u - 1/2`, then saturation `2u (x - m) + m`, m being the mean
                      over the channels of a pixel, then contrast `(u + 1/2) (x - m) + m`, m being
                      the mean over the image
        translation   by up to 1/8 of the height and of the width, in whole pixels; zeros come in
        cutout        a rectangle of zeros, half as high and wide as the image

    The paper uses all three where images are few, "translation,cutout" or "color,cutout" on the
    whole of CIFAR-10. The range of the images should be about [-1, 1].

    Args:
        policy: Names of policies in their order, separated by commas.
        probability: Of an image to be changed, in [0, 1]; a schedule of images seen; or `Adaptive`.
            The paper changes all. That slows learning where D does not overfit.
        color: Factor of the probability for the policy `color`, in [0, 1]. R3GAN has a factor of
            0.5 for color, in the pipeline of `RandomTransforms`.
    """

    def __init__(
        self,
        policy: str = "color,translation,cutout",
        probability: float | ImageSchedule | Adaptive = 1.0,
        *,
        color: float = 1.0,
        **kwargs,
    ):
        super().__init__(probability, **kwargs)
        if not isinstance(policy, str) or not set(policy.split(",")) <= set(_POLICIES):
            raise InputError(
                f"`policy` must be names of {', '.join(_POLICIES)}, separated by commas. "
                f"Received: policy={policy!r}"
            )
        self.policy, self.color = policy, arguments.probability("color", color)
        if color < 1 and "color" not in policy.split(","):
            raise InputError(
                f"`color` is of the policy 'color'; add it to `policy`. Received: policy={policy!r}"
            )

    def call(self, examples: tf.Tensor) -> tf.Tensor:
        """Returns the images, changed or not, `[n, h, w, c]`."""
        changed = examples
        for name in self.policy.split(","):
            before, changed = changed, _POLICIES[name](changed)
            if name == "color" and self.color < 1:
                changed = choose(uniform() < self.color, changed, before)
        if self.probability == 1.0:
            return changed
        return choose(uniform() < self.strength, changed, examples)

    def get_config(self) -> dict:
        return {**super().get_config(), "policy": self.policy, "color": self.color}


def _color(images: tf.Tensor) -> tf.Tensor:
    images += uniform([1, 1, 1]) - 0.5
    images = _spread(images, axes=[3], factor=2 * uniform([1, 1, 1]))
    return _spread(images, axes=[1, 2, 3], factor=uniform([1, 1, 1]) + 0.5)


def _spread(images: tf.Tensor, axes: list[int], factor: tf.Tensor) -> tf.Tensor:
    """The distances from the mean over these axes times a factor; exact where that is 1."""
    mean = tf.reduce_mean(images, axes, keepdims=True)
    return images + (factor - 1) * (images - mean)


def _translation(images: tf.Tensor) -> tf.Tensor:
    return random_shift(images, 1 / 8, mirrored=False)


_POLICIES = {"color": _color, "translation": _translation, "cutout": random_cutout}
