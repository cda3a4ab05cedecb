"""Penalties on the gradient of D's logit with respect to its input.

C is D's logit. Sums run over all pixels and channels of an image before augmentation.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core import randomness
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.core.replicas import global_mean, global_rows
from keras_gan.optimizers.schedules import current_value
from keras_gan.regularizers.base import Discriminate, Regularizer, Weight, check_weight

__all__ = ["DRAGAN", "R1", "R2", "WGANGP", "MaxGradient", "norm_minus_one", "squared_norm"]


def squared_norm(gradients: tf.Tensor | None) -> tf.Tensor:
    """Squared norm of each row over all its numbers, from `[n, ...]` to `[n]`.

    Raises:
        InputError: It is None, as of an output of D without `input_gradients`.
    """
    if gradients is None:
        raise InputError(
            "this output of D has no `input_gradients`; outside of GAN, "
            "`regularizers.with_input_gradients` makes outputs that have them"
        )
    return tf.reduce_sum(tf.square(gradients), axis=range(1, gradients.shape.rank))


def norm_minus_one(gradients: tf.Tensor) -> tf.Tensor:
    """`(|g| - 1)^2` of each row g, from `[n, ...]` to `[n]`; finite gradients at g = 0, too."""
    return tf.square(tf.sqrt(squared_norm(gradients) + 1e-12) - 1)


class _ZeroCentered(Regularizer):
    """`gamma / 2 |grad_x C(x)|^2` for each x.

    Args:
        gamma: Weight, a number >= 0 or a schedule of images seen.
        every: See `Regularizer`.
    """

    def __init__(self, gamma: Weight = 1.0, every: int = 1):
        super().__init__(every)
        self.gamma = check_weight("gamma", gamma)

    def penalty(
        self, discriminate: Discriminate, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> tf.Tensor:
        """Returns the penalty of each row, float32 `[n]`."""
        output = real if self.input_gradients == ("real",) else fake
        return current_value(self.gamma) / 2 * squared_norm(output.input_gradients)


@keras.saving.register_keras_serializable("keras_gan")
class R1(_ZeroCentered):
    """`gamma / 2 |grad_x C(x)|^2` at real x (Mescheder et al. 2018, arXiv:1801.04406).

    Args:
        gamma: Weight, a number >= 0 or a schedule of images seen.
        every: See `Regularizer`.
    """

    name = "r1"
    input_gradients = ("real",)


@keras.saving.register_keras_serializable("keras_gan")
class R2(_ZeroCentered):
    """`gamma / 2 |grad_x C(x)|^2` at generated x (Mescheder et al. 2018, arXiv:1801.04406).

    Args:
        gamma: Weight, a number >= 0 or a schedule of images seen.
        every: See `Regularizer`.
    """

    name = "r2"
    input_gradients = ("fake",)


class _AtPoints(Regularizer):
    """A penalty at points that a subclass chooses, in a further pass through D.

    Args:
        weight: Weight, a number >= 0 or a schedule of images seen.
        every: See `Regularizer`.
    """

    per_example = True

    def __init__(self, weight: Weight = 10.0, every: int = 1):
        super().__init__(every)
        self.weight = check_weight("weight", weight)

    def points(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """Where the gradient is taken; by default at random between data and samples."""
        share = _uniform([1] * (real.shape.rank - 1))
        return share * real + (1 - share) * fake

    def of_gradients(self, gradients: tf.Tensor) -> tf.Tensor:
        """The penalty of each row's gradient, from `[n, ...]` to `[n]`, without its weight."""
        return norm_minus_one(gradients)

    def penalty(
        self, discriminate: Discriminate, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> tf.Tensor:
        """Returns the penalty of each row, float32 `[n]`."""
        points = tf.stop_gradient(self.points(real.examples, fake.examples))
        output = discriminate(points, real.condition, input_gradients=True)
        return current_value(self.weight) * self.of_gradients(output.input_gradients)


@keras.saving.register_keras_serializable("keras_gan")
class WGANGP(_AtPoints):
    """`weight (|grad C(u)| - 1)^2` between data and samples (Gulrajani et al. 2017).

    `u = a x + (1 - a) G(z)`, with a uniform in (0, 1) for each row. arXiv:1704.00028, equation 3;
    there with the `Wasserstein` loss, weight 10, k = 5 and Adam(1e-4, beta_1 = 0, beta_2 = 0.9).

    Args:
        weight: Weight, a number >= 0 or a schedule of images seen.
        every: See `Regularizer`.
    """

    name = "wgan_gp"


@keras.saving.register_keras_serializable("keras_gan")
class DRAGAN(_AtPoints):
    """`weight (|grad C(u)| - 1)^2` near the data (Kodali et al. 2017, arXiv:1705.07215).

    `u = x + a sd(x) / 2 U`: a uniform in (0, 1) for each row, U uniform in (0, 1) for each number,
    sd(x) the standard deviation of all numbers of the global minibatch.

    Args:
        weight: Weight, a number >= 0 or a schedule of images seen.
        every: See `Regularizer`.
    """

    name = "dragan"
    uses_batch_means = True

    def points(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """Points near the data, float32 `[n, ...]`."""
        axes = list(range(1, real.shape.rank))
        mean = global_mean(tf.reduce_mean(real, axes))
        sd = tf.sqrt(global_mean(tf.reduce_mean(tf.square(real - mean), axes)))
        share = _uniform([1] * len(axes))
        return real + share * sd / 2 * _uniform(real.shape[1:])


@keras.saving.register_keras_serializable("keras_gan")
class MaxGradient(_AtPoints):
    """`weight max |grad C(u)|^2`, the maximum over the global minibatch (Zhou et al. 2019).

    u lies between data and samples, as for `WGANGP`. arXiv:1902.05687, equation 9 with the squared
    norm.

    Args:
        weight: Weight, a number >= 0 or a schedule of images seen.
        every: See `Regularizer`.
    """

    name = "max_gradient"
    uses_batch_means = True

    def __init__(self, weight: Weight = 1.0, every: int = 1):
        super().__init__(weight, every)

    def of_gradients(self, gradients: tf.Tensor) -> tf.Tensor:
        """The maximum for each row, `[n]`."""
        squares = squared_norm(gradients)
        return tf.reduce_max(global_rows(squares)) * tf.ones_like(squares)


def _uniform(shape) -> tf.Tensor:
    """float32 `[n, *shape]` in (0, 1), from the current draws."""
    return randomness.uniform(randomness.required_draws("a gradient penalty").bits(shape))
