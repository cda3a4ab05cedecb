"""Losses of a D whose output is a score, not the logit of a probability."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core.arguments import share
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.losses.base import Loss, exchange_labels

__all__ = [
    "Hinge",
    "LeastSquares",
    "Wasserstein",
    "hinge_discriminator",
    "least_squares_discriminator",
    "least_squares_generator",
    "wasserstein_discriminator",
    "wasserstein_generator",
]


def least_squares_discriminator(
    *, real_logits: tf.Tensor, fake_logits: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """`(C(x) - 1)^2 / 2 + C(G(z))^2 / 2` (Mao et al. 2017, arXiv:1611.04076, equation 9).

    Args:
        real_logits: C(x), float `[n]`.
        fake_logits: C(G(z)), float `[n]`.
        label_smoothing: s; the target of data is 1 - s.

    Returns:
        float `[n]`, at least 0; 1/4 where C is 1/2 everywhere.
    """
    target = 1 - label_smoothing
    return (tf.square(real_logits - target) + tf.square(fake_logits)) / 2


def least_squares_generator(*, fake_logits: tf.Tensor) -> tf.Tensor:
    """`(C(G(z)) - 1)^2 / 2`, float `[n]`; 1/8 where C is 1/2."""
    return tf.square(fake_logits - 1) / 2


def hinge_discriminator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """`max(0, 1 - C(x)) + max(0, 1 + C(G(z)))` (Lim and Ye 2017; Miyato et al. 2018).

    G's loss is `wasserstein_generator`.

    Args:
        real_logits: C(x), float `[n]`.
        fake_logits: C(G(z)), float `[n]`.

    Returns:
        float `[n]`, at least 0, without gradient beyond the margins; 2 where C is 0 everywhere.
    """
    return tf.nn.relu(1 - real_logits) + tf.nn.relu(1 + fake_logits)


def wasserstein_discriminator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """`C(G(z)) - C(x)` (Arjovsky et al. 2017, arXiv:1701.07875), float `[n]`.

    Minus an estimate of the Wasserstein distance, if a penalty keeps C's slope at most 1.
    """
    return fake_logits - real_logits


def wasserstein_generator(*, fake_logits: tf.Tensor) -> tf.Tensor:
    """`-C(G(z))`, float `[n]`; G's loss with the hinge loss, too."""
    return -fake_logits


@keras.saving.register_keras_serializable("keras_gan")
class LeastSquares(Loss):
    """LSGAN: `least_squares_discriminator` and `least_squares_generator`.

    Args:
        label_smoothing: s in [0, 1); the target of data is 1 - s.
        label_noise: Share of the pairs whose labels D gets exchanged, in [0, 1).
    """

    def __init__(self, label_smoothing: float = 0.0, label_noise: float = 0.0):
        self.label_smoothing = share("label_smoothing", label_smoothing)
        self.label_noise = share("label_noise", label_noise)
        self.boundary = (1 - self.label_smoothing) / 2

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the loss of each pair, float `[n]`."""
        real_logits, fake_logits = exchange_labels(real, fake, self.label_noise)
        return least_squares_discriminator(
            real_logits=real_logits,
            fake_logits=fake_logits,
            label_smoothing=self.label_smoothing,
        )

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns G's loss of each generated example, float `[n]`."""
        return least_squares_generator(fake_logits=fake.logits)


@keras.saving.register_keras_serializable("keras_gan")
class Wasserstein(Loss):
    """WGAN: `wasserstein_discriminator` and `wasserstein_generator`; use it with `WGANGP`."""

    ignores_constants = True

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the loss of each pair, float `[n]`."""
        return wasserstein_discriminator(real_logits=real.logits, fake_logits=fake.logits)

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns G's loss of each generated example, float `[n]`."""
        return wasserstein_generator(fake_logits=fake.logits)


@keras.saving.register_keras_serializable("keras_gan")
class Hinge(Wasserstein):
    """`hinge_discriminator` for D, `wasserstein_generator` for G."""

    ignores_constants = False

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the loss of each pair, float `[n]`."""
        return hinge_discriminator(real_logits=real.logits, fake_logits=fake.logits)
