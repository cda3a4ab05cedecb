"""The objectives of equation (1), per example, on logits.

`D(x) = sigmoid(logit)`, so every term is a softplus and stays finite, with finite gradients, for
any finite logit:

    -log D(x)       = softplus(-logit)
    -log(1 - D(x))  = softplus(logit)

The functions are the mathematics. The classes say what each player descends;
`GAN.compile(loss=...)` takes one of them, its name, or any object with the two methods of `Loss`.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_gan.errors import InputError


def discriminator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """What D descends: `-log D(x) - log(1 - D(G(z)))`, the negated value of equation (1).

    Args:
        real_logits: D's logits of data, float `[n]`.
        fake_logits: D's logits of generated examples, float `[n]`.

    Returns:
        float `[n]`, nats, in `[0, inf)`; `2 log 2` at the game's equilibrium.
    """
    return tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits)


def minimax_generator(*, fake_logits: tf.Tensor) -> tf.Tensor:
    """What G descends in equation (1): `log(1 - D(G(z)))`. Saturates where D is sure.

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


class Judgement(NamedTuple):
    """What the discriminator says of one minibatch, as a loss sees it.

    Attributes:
        logits: float32 `[n]`.
        features: Whatever else D returns under "features", or None.
        labels: The labels that came with the data, or None.
        condition: The condition under which D judged, by part; empty without one.
    """

    logits: tf.Tensor
    features: tf.Tensor | None = None
    labels: tf.Tensor | None = None
    condition: Mapping[str, tf.Tensor] = types.MappingProxyType({})


class Loss:
    """What both players descend. Subclass, or give any object with these methods.

    Attributes:
        generator_sees_data: True if `generator` uses `real`; D then judges a minibatch of data in
            the generator's step too.
        sees_labels: True if a method uses `labels`; else data that bring labels are met with a
            warning.
    """

    generator_sees_data = False
    sees_labels = False

    def discriminator(self, real: Judgement, fake: Judgement) -> tf.Tensor:
        """Returns D's loss for each pair, float `[n]`."""
        raise NotImplementedError

    def generator(self, real: Judgement | None, fake: Judgement) -> tf.Tensor:
        """Returns G's loss for each generated example, float `[n]`."""
        raise NotImplementedError

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Loss:
        """Makes the loss from `get_config`'s dictionary."""
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gan")
class Blended(Loss):
    """Equation (1) for D; for G the released code's blend of its two objectives.

    With `w` = `discriminator_weight`, D descends `w (-log D(x) - log(1 - D(G(z))))`. G descends
    the weighted mean of what D ascends, so far as G moves it, `w log(1 - D(G(z)))`, and of `-log
    D(G(z))`.

    Args:
        minimax: Weight of what D ascends in that mean, at least 0.
        non_saturating: Weight of `-log D(G(z))` in it, at least 0.
        discriminator_weight: `w`, greater than 0; the released code uses 1/2.
    """

    def __init__(
        self,
        minimax: float = 1.0,
        non_saturating: float = 1.0,
        discriminator_weight: float = 1.0,
    ):
        if not (minimax >= 0 and non_saturating >= 0 and 0 < minimax + non_saturating < math.inf):
            raise InputError(
                "`minimax` and `non_saturating` must be weights >= 0 with a sum > 0. "
                f"Received: minimax={minimax}, non_saturating={non_saturating}"
            )
        if not 0 < discriminator_weight < math.inf:
            raise InputError(
                f"`discriminator_weight` must be > 0. Received: {discriminator_weight}"
            )
        self.minimax = minimax
        self.non_saturating = non_saturating
        self.discriminator_weight = discriminator_weight

    def discriminator(self, real: Judgement, fake: Judgement) -> tf.Tensor:
        """Returns the weighted loss of each pair, float `[n]`."""
        loss = discriminator(real_logits=real.logits, fake_logits=fake.logits)
        return self.discriminator_weight * loss

    def generator(self, real: Judgement | None, fake: Judgement) -> tf.Tensor:
        """Returns G's loss of each generated example, float `[n]`."""
        share = self.minimax / (self.minimax + self.non_saturating)
        loss = tf.zeros_like(fake.logits)
        if share > 0:
            weight = share * self.discriminator_weight
            loss += weight * minimax_generator(fake_logits=fake.logits)
        if share < 1:
            loss += (1 - share) * non_saturating_generator(fake_logits=fake.logits)
        return loss

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "minimax": self.minimax,
            "non_saturating": self.non_saturating,
            "discriminator_weight": self.discriminator_weight,
        }


@keras.saving.register_keras_serializable("keras_gan")
class Minimax(Blended):
    """The game of equation (1): G descends what D ascends, `log(1 - D(G(z)))`.

    Args:
        discriminator_weight: Factor of the game's value, so of both losses.
    """

    def __init__(self, discriminator_weight: float = 1.0):
        super().__init__(1.0, 0.0, discriminator_weight)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"discriminator_weight": self.discriminator_weight}


@keras.saving.register_keras_serializable("keras_gan")
class NonSaturating(Blended):
    """The paper's experiments: D as in equation (1), G descends `-log D(G(z))`.

    Args:
        discriminator_weight: Factor of D's loss.
    """

    def __init__(self, discriminator_weight: float = 1.0):
        super().__init__(0.0, 1.0, discriminator_weight)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"discriminator_weight": self.discriminator_weight}


NAMES = {"minimax": Minimax, "non_saturating": NonSaturating, "blended": Blended}


def get(loss: str | Loss) -> Loss:
    """Returns the loss of that name, or the object itself if it has the two methods of `Loss`."""
    if isinstance(loss, str):
        if loss not in NAMES:
            raise InputError(f"unknown loss {loss!r}; choose from {', '.join(NAMES)}")
        return NAMES[loss]()
    methods = [getattr(loss, name, None) for name in ("discriminator", "generator")]
    if isinstance(loss, type) or not all(map(callable, methods)):
        raise InputError(
            "`loss` must be a name or an object with methods `discriminator(real, fake)` and "
            f"`generator(real, fake)`. Received: {loss!r}"
        )
    return loss
