"""Losses that compare D's output for data with its output for samples."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.core.replicas import global_mean
from keras_gan.losses.base import Loss

__all__ = [
    "Relativistic",
    "RelativisticAverage",
    "relativistic_average",
    "relativistic_discriminator",
    "relativistic_generator",
]


def relativistic_discriminator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """`softplus(-(C(x) - C(G(z))))`, each example against one sample (RpGAN).

    Jolicoeur-Martineau 2018 (arXiv:1807.00734), equation 9; the loss of R3GAN (Huang et al. 2024,
    arXiv:2501.05441, equation 2). A constant added to C changes nothing.

    Args:
        real_logits: C(x), float `[n]`.
        fake_logits: C(G(z)) of the sample that each example is compared with, float `[n]`.

    Returns:
        float `[n]`, nats, in `[0, inf)`; `log 2` where C is equal on both.
    """
    return tf.nn.softplus(fake_logits - real_logits)


def relativistic_generator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """`softplus(-(C(G(z)) - C(x)))`: D's loss with the roles exchanged, float `[n]`, nats."""
    return tf.nn.softplus(real_logits - fake_logits)


# What a difference in favor of data (first) and of samples (second) costs D.
_FORMS = {
    "cross_entropy": (lambda d: tf.nn.softplus(-d), tf.nn.softplus),
    "least_squares": (lambda d: tf.square(d - 1), lambda d: tf.square(d + 1)),
    "hinge": (lambda d: tf.nn.relu(1 - d), lambda d: tf.nn.relu(1 + d)),
}


def _known(form: str) -> str:
    if form not in _FORMS:
        raise InputError(f"`form` must be one of {', '.join(_FORMS)}. Received: {form!r}")
    return form


def relativistic_average(
    *, real_logits: tf.Tensor, fake_logits: tf.Tensor, form: str = "cross_entropy"
) -> tf.Tensor:
    """Each logit against the mean of the other kind (Jolicoeur-Martineau 2018, section 4.3).

    With `a = C(x) - mean C(G(z))` and `b = C(G(z)) - mean C(x)`, means over the global minibatch,
    D minimizes the mean of

        cross_entropy    (softplus(-a) + softplus(b)) / 2         RaSGAN
        least_squares    ((a - 1)^2 + (b + 1)^2) / 2              RaLSGAN
        hinge            (max(0, 1 - a) + max(0, 1 + b)) / 2      RaHinge

    G minimizes the same with the two kinds exchanged.

    Args:
        real_logits: C(x), float `[n]`.
        fake_logits: C(G(z)), float `[n]`.
        form: One of the three.

    Returns:
        float `[n]`, at least 0. Where C is equal on both it is log 2, 1 and 1.
    """
    for_real, for_fake = _FORMS[_known(form)]
    real_difference = real_logits - global_mean(fake_logits)
    fake_difference = fake_logits - global_mean(real_logits)
    return (for_real(real_difference) + for_fake(fake_difference)) / 2


@keras.saving.register_keras_serializable("keras_gan")
class Relativistic(Loss):
    """RpGAN, the loss of R3GAN: `relativistic_discriminator` and `relativistic_generator`.

    Combine it with `R1` and `R2`, without which it need not converge.
    """

    generator_uses_real = True
    ignores_constants = True

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the loss of each pair, float `[n]`."""
        return relativistic_discriminator(real_logits=real.logits, fake_logits=fake.logits)

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns G's loss of each pair, float `[n]`."""
        return relativistic_generator(real_logits=real.logits, fake_logits=fake.logits)


@keras.saving.register_keras_serializable("keras_gan")
class RelativisticAverage(Loss):
    """`relativistic_average` for D; for G with data and samples exchanged.

    Args:
        form: "cross_entropy" (RaSGAN), "least_squares" (RaLSGAN) or "hinge" (RaHinge).
    """

    generator_uses_real = True
    ignores_constants = True
    uses_batch_means = True

    def __init__(self, form: str = "cross_entropy"):
        self.form = _known(form)

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the loss of each pair, float `[n]`."""
        return relativistic_average(
            real_logits=real.logits, fake_logits=fake.logits, form=self.form
        )

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns G's loss of each pair, float `[n]`."""
        return relativistic_average(
            real_logits=fake.logits, fake_logits=real.logits, form=self.form
        )
