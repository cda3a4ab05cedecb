"""The objectives of equation (1).

`D(x) = sigmoid(logit)`, so every term is a softplus and stays finite, with finite gradients, for
any finite logit:

    -log D(x)       = softplus(-logit)
    -log(1 - D(x))  = softplus(logit)
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from keras_gan.core.arguments import is_number, share
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.core.replicas import global_mean
from keras_gan.losses.base import Loss, exchange_labels

__all__ = [
    "Blended",
    "HeldBack",
    "Minimax",
    "NonSaturating",
    "discriminator",
    "minimax_generator",
    "non_saturating_generator",
]


def discriminator(
    *, real_logits: tf.Tensor, fake_logits: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """D's loss: `-log D(x) - log(1 - D(G(z)))`, the negated value of equation (1).

    With one-sided label smoothing s (Salimans et al. 2016, section 3.4) the first term is
    `-(1 - s) log D(x) - s log(1 - D(x))`.

    Args:
        real_logits: D's logits of data, float `[n]`.
        fake_logits: D's logits of generated examples, float `[n]`.
        label_smoothing: s; the target of data is 1 - s.

    Returns:
        float `[n]`, nats, in `[0, inf)`; `2 log 2` at the game's equilibrium.
    """
    loss = tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits)
    return loss + label_smoothing * real_logits if label_smoothing else loss


def minimax_generator(*, fake_logits: tf.Tensor) -> tf.Tensor:
    """G's loss in equation (1): `log(1 - D(G(z)))`. Saturates where D is sure.

    Args:
        fake_logits: D's logits of generated examples, float `[n]`.

    Returns:
        float `[n]`, nats, in `(-inf, 0]`; `-log 2` at the equilibrium.
    """
    return -tf.nn.softplus(fake_logits)


def non_saturating_generator(*, fake_logits: tf.Tensor) -> tf.Tensor:
    """The paper's practical choice for G (section 3): `-log D(G(z))`.

    Args:
        fake_logits: D's logits of generated examples, float `[n]`.

    Returns:
        float `[n]`, nats, in `[0, inf)`; `log 2` at the equilibrium.
    """
    return tf.nn.softplus(-fake_logits)


@keras.saving.register_keras_serializable("keras_gan")
class Blended(Loss):
    """Equation (1) for D; for G the released code's blend of its two objectives.

    With `w` = `discriminator_weight`, D minimizes `w (-log D(x) - log(1 - D(G(z))))`. G minimizes
    the weighted mean of `w log(1 - D(G(z)))`, its part of what D maximizes, and of `-log D(G(z))`.

    Args:
        minimax: Weight of what D maximizes in that mean, at least 0.
        non_saturating: Weight of `-log D(G(z))` in it, at least 0.
        discriminator_weight: `w`, greater than 0; the released code uses 1/2.
        label_smoothing: s in [0, 1); D's target for data is 1 - s.
        label_noise: Share of the pairs whose labels D gets exchanged, in [0, 1).
    """

    updates_may_overlap = True
    gives_probabilities = True

    def __init__(
        self,
        minimax: float = 1.0,
        non_saturating: float = 1.0,
        discriminator_weight: float = 1.0,
        label_smoothing: float = 0.0,
        label_noise: float = 0.0,
    ):
        numbers = is_number(minimax) and is_number(non_saturating)
        if not (
            numbers and min(minimax, non_saturating) >= 0 < minimax + non_saturating < math.inf
        ):
            raise InputError(
                "`minimax` and `non_saturating` must be weights >= 0 with a sum > 0. "
                f"Received: minimax={minimax!r}, non_saturating={non_saturating!r}"
            )
        if not (is_number(discriminator_weight) and 0 < discriminator_weight < math.inf):
            raise InputError(
                f"`discriminator_weight` must be > 0. Received: {discriminator_weight!r}"
            )
        self.minimax = minimax
        self.non_saturating = non_saturating
        self.discriminator_weight = discriminator_weight
        self.label_smoothing = share("label_smoothing", label_smoothing)
        self.label_noise = share("label_noise", label_noise)
        # D(x) is (1 - s) / 2 where data and samples are equally probable.
        self.boundary = math.log((1 - self.label_smoothing) / (1 + self.label_smoothing))
        if self.label_smoothing:
            self.gives_probabilities = False

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the weighted loss of each pair, float `[n]`."""
        real_logits, fake_logits = exchange_labels(real, fake, self.label_noise)
        loss = discriminator(
            real_logits=real_logits,
            fake_logits=fake_logits,
            label_smoothing=self.label_smoothing,
        )
        return self.discriminator_weight * loss

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns G's loss of each generated example, float `[n]`."""
        share = self.minimax / (self.minimax + self.non_saturating)
        loss = tf.zeros_like(fake.logits)
        if share > 0:
            weight = share * self.discriminator_weight
            loss += weight * minimax_generator(fake_logits=fake.logits)
        if share < 1:
            loss += (1 - share) * non_saturating_generator(fake_logits=fake.logits)
        return loss


@keras.saving.register_keras_serializable("keras_gan")
class Minimax(Blended):
    """The minimax game of equation (1): G minimizes what D maximizes, `log(1 - D(G(z)))`.

    Args:
        discriminator_weight: Factor of the game's value, so of both losses.
        label_smoothing: s in [0, 1); D's target for data is 1 - s.
        label_noise: Share of the pairs whose labels D gets exchanged, in [0, 1).
    """

    updates_may_overlap = True

    def __init__(
        self,
        discriminator_weight: float = 1.0,
        label_smoothing: float = 0.0,
        label_noise: float = 0.0,
    ):
        super().__init__(1.0, 0.0, discriminator_weight, label_smoothing, label_noise)


@keras.saving.register_keras_serializable("keras_gan")
class NonSaturating(Blended):
    """The paper's experiments: D as in equation (1), G minimizes `-log D(G(z))`.

    Args:
        discriminator_weight: Factor of D's loss.
        label_smoothing: s in [0, 1); D's target for data is 1 - s.
        label_noise: Share of the pairs whose labels D gets exchanged, in [0, 1).
    """

    updates_may_overlap = True

    def __init__(
        self,
        discriminator_weight: float = 1.0,
        label_smoothing: float = 0.0,
        label_noise: float = 0.0,
    ):
        super().__init__(0.0, 1.0, discriminator_weight, label_smoothing, label_noise)


@keras.saving.register_keras_serializable("keras_gan")
class HeldBack(NonSaturating):
    """The paper's experiments, with the network that is ahead slowed down (section 7, efficiency).

    With V = mean log D(x) + mean log(1 - D(G(z))) over the global minibatch, each network's loss is
    that of `NonSaturating` times a factor, a constant to its gradients:

        D    min(1, V / (-2 log 2))          1 at the equilibrium, 0 where D is sure and right
        G    min(1, 2 - 2 mean D(G(z)))      1 at the equilibrium, 0 where D takes all for data

    A factor depends on the minibatch alone: nothing is remembered from step to step. V is that of
    the true labels, without smoothing and noise.

    Args:
        discriminator_weight: Factor of D's loss.
        label_smoothing: s in [0, 1); D's target for data is 1 - s.
        label_noise: Share of the pairs whose labels D gets exchanged, in [0, 1).
    """

    updates_may_overlap = True
    uses_batch_means = True

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the held back loss of each pair, float `[n]`."""
        loss = super().discriminator(real, fake)
        value = global_mean(discriminator(real_logits=real.logits, fake_logits=fake.logits))
        return tf.stop_gradient(tf.minimum(1.0, value / (2 * math.log(2)))) * loss

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns G's held back loss of each generated example, float `[n]`."""
        taken_for_fake = global_mean(tf.sigmoid(-fake.logits))
        factor = tf.stop_gradient(tf.minimum(1.0, 2 * taken_for_fake))
        return factor * super().generator(real, fake)
