"""Zero-centered gradient penalties."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.optimizers.schedules import ImageSchedule, current_value
from keras_gan.regularizers.base import Discriminate, Regularizer

__all__ = ["R1", "R2", "squared_norm"]


def squared_norm(gradients: tf.Tensor) -> tf.Tensor:
    """Squared norm of each row over all its numbers, from `[n, ...]` to `[n]`."""
    return tf.reduce_sum(tf.square(gradients), axis=range(1, gradients.shape.rank))


class _ZeroCentered(Regularizer):
    """`gamma / 2 |grad_x C(x)|^2` for each x, C being D's logit.

    Args:
        gamma: Weight, a number >= 0 or a schedule of images seen.
    """

    def __init__(self, gamma: float | ImageSchedule = 1.0):
        if not isinstance(gamma, ImageSchedule) and not 0 <= gamma < float("inf"):
            raise InputError(f"`gamma` must be a finite number >= 0. Received: {gamma!r}")
        self.gamma = gamma

    def penalty(
        self, discriminate: Discriminate, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> tf.Tensor:
        """Returns the penalty of each row, float32 `[n]`."""
        output = real if self.input_gradients == ("real",) else fake
        return current_value(self.gamma) / 2 * squared_norm(output.input_gradients)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        gamma = self.gamma
        if isinstance(gamma, ImageSchedule):
            gamma = keras.saving.serialize_keras_object(gamma)
        return {"gamma": gamma}

    @classmethod
    def from_config(cls, config: dict) -> Regularizer:
        """Makes the regularizer from `get_config`'s dictionary."""
        if isinstance(config["gamma"], dict):
            config = {"gamma": keras.saving.deserialize_keras_object(config["gamma"])}
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gan")
class R1(_ZeroCentered):
    """`gamma / 2 |grad_x C(x)|^2` at real x (Mescheder et al. 2018, arXiv:1801.04406).

    C is D's logit; the sum runs over all pixels and channels of an image before augmentation.

    Args:
        gamma: Weight, a number >= 0 or a schedule of images seen.
    """

    name = "r1"
    input_gradients = ("real",)


@keras.saving.register_keras_serializable("keras_gan")
class R2(_ZeroCentered):
    """`gamma / 2 |grad_x C(x)|^2` at generated x (Mescheder et al. 2018, arXiv:1801.04406).

    Args:
        gamma: Weight, a number >= 0 or a schedule of images seen.
    """

    name = "r2"
    input_gradients = ("fake",)
