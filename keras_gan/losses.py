"""The objectives of equation (1), per example, on logits.

`D(x) = sigmoid(logit)`, so every term is a softplus and stays finite, with finite gradients, for
any finite logit:

    -log D(x)       = softplus(-logit)
    -log(1 - D(x))  = softplus(logit)

The functions are the mathematics. The classes say what each player descends;
`GAN.compile(loss=...)` takes one of them, its name, or any object with the two methods of `Loss`.
A loss that is no sum over examples takes its means with `global_mean`.
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


def global_mean(values: tf.Tensor) -> tf.Tensor:
    """The mean over the rows of the global minibatch, the same on every replica, differentiable.

    Args:
        values: float `[n, ...]`, this replica's rows.

    Returns:
        float `[...]`.
    """
    total = tf.reduce_sum(values, axis=0), tf.cast(tf.shape(values)[0], values.dtype)
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync > 1:
        # Sums, for in `evaluate` replicas may have different numbers of rows.
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, total)
    return total[0] / total[1]


class Judgement(NamedTuple):
    """What the discriminator says of one minibatch, as a loss sees it.

    Attributes:
        logits: float32 `[n]`.
        features: Whatever else D returns under "features", or None.
        labels: The labels that came with the data, or None.
        condition: The condition under which D judged, by part; empty without one.
        classes: What else D returns under "classes", float32 `[n, K]`, or None.
        examples: What was judged, float `[n, ...]`.
    """

    logits: tf.Tensor
    features: tf.Tensor | None = None
    labels: tf.Tensor | None = None
    condition: Mapping[str, tf.Tensor] = types.MappingProxyType({})
    classes: tf.Tensor | None = None
    examples: tf.Tensor | None = None


class Loss:
    """What both players descend. Subclass, or give any object with these methods.

    Attributes:
        generator_sees_data: True if `generator` uses `real`; D then judges a minibatch of data in
            the generator's step too.
        sees_labels: True if a method uses `labels`, which `fit` then asks for; else data that bring
            labels are met with a warning.
        takes_global_means: True if a method calls `global_mean`; XLA then cannot compile the
            gradients of several replicas.
        reads: What D must return beside "logits", or a condition give in training.
    """

    generator_sees_data = False
    sees_labels = False
    takes_global_means = False
    reads: tuple[str, ...] = ()

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


@keras.saving.register_keras_serializable("keras_gan")
class HeldBack(NonSaturating):
    """The paper's experiments, the player that is ahead held back (section 7, efficiency).

    With V = mean log D(x) + mean log(1 - D(G(z))) over the global minibatch, each player's loss is
    that of `NonSaturating` times a factor, a constant to its gradients:

        D    min(1, V / (-2 log 2))          1 at the equilibrium, 0 where D is sure and right
        G    min(1, 2 - 2 mean D(G(z)))      1 at the equilibrium, 0 where D takes all for data

    A factor depends on the minibatch alone: nothing is remembered from step to step.

    Args:
        discriminator_weight: Factor of D's loss.
    """

    takes_global_means = True

    def discriminator(self, real: Judgement, fake: Judgement) -> tf.Tensor:
        """Returns the held back loss of each pair, float `[n]`."""
        loss = super().discriminator(real, fake)
        at_equilibrium = self.discriminator_weight * 2 * math.log(2)
        return tf.stop_gradient(tf.minimum(1.0, global_mean(loss) / at_equilibrium)) * loss

    def generator(self, real: Judgement | None, fake: Judgement) -> tf.Tensor:
        """Returns G's held back loss of each generated example, float `[n]`."""
        taken_for_fake = global_mean(tf.sigmoid(-fake.logits))
        factor = tf.stop_gradient(tf.minimum(1.0, 2 * taken_for_fake))
        return factor * super().generator(real, fake)


@keras.saving.register_keras_serializable("keras_gan")
class FeatureMatching(NonSaturating):
    """D as in equation (1); G brings the mean features of samples to those of data.

    G descends the squared distance between the two means over the global minibatch, of the features
    that D returns (Salimans et al. 2016, section 3.1).

    Args:
        discriminator_weight: Factor of D's loss.
    """

    generator_sees_data = True
    takes_global_means = True
    reads: tuple[str, ...] = ("features",)

    def generator(self, real: Judgement | None, fake: Judgement) -> tf.Tensor:
        """Returns the squared distance for every generated example, float `[n]`."""
        if real is None or real.features is None or fake.features is None:
            raise InputError("feature matching needs a discriminator that returns 'features'")
        weights = self._data_weights(real)
        seen = tf.cast(real.features, tf.float32)
        seen *= tf.reshape(weights, [-1, *(1 for _ in seen.shape[1:])])
        distance = tf.stop_gradient(global_mean(seen)) - global_mean(
            tf.cast(fake.features, tf.float32)
        )
        return tf.reduce_sum(tf.square(distance)) * tf.ones_like(fake.logits)

    def _data_weights(self, real: Judgement) -> tf.Tensor:
        """How much each example of the data counts, float32 `[n]`, with mean 1."""
        return tf.ones_like(real.logits)


@keras.saving.register_keras_serializable("keras_gan")
class SemiSupervised(FeatureMatching):
    """Feature matching with a D that also learns the classes of the labelled examples.

    D is a classifier of K + 1 classes, the last of which is "generated" with logit 0, so that
    `D(x) = sigmoid(logsumexp(classes))` (Salimans et al. 2016, section 5;
    `networks.maxout_discriminator(classes=K)`). It descends equation (1) on unlabelled data and on
    samples, and the cross-entropy of the K classes on labelled data, each a mean over its rows of
    the global minibatch. Labels are int `[n]`, -1 where unknown.

    Args:
        discriminator_weight: Factor of D's loss.
    """

    sees_labels = True
    reads = ("features", "classes")

    def discriminator(self, real: Judgement, fake: Judgement) -> tf.Tensor:
        """Returns the loss, whose mean is the sum of the three means, float `[n]`."""
        of_data = self._data_weights(real) * tf.nn.softplus(-real.logits)
        labels = tf.cast(real.labels, tf.int64)
        known = tf.greater_equal(labels, 0)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.where(known, labels, 0), real.classes
        )
        of_classes = _balanced(known) * entropy
        return self.discriminator_weight * (of_data + tf.nn.softplus(fake.logits) + of_classes)

    def _data_weights(self, real: Judgement) -> tf.Tensor:
        return _balanced(tf.less(real.labels, 0))


@keras.saving.register_keras_serializable("keras_gan")
class Completing(NonSaturating):
    """The paper's objectives, and for G the energy score of its completions of an image.

    With `x` an image and `g`, `g'` two completions of it, G also descends `w (|g - x| - |g - g'| /
    2)`, norms over all numbers of an image. Its mean over both is the energy score of two draws,
    which is strictly proper: least where completions are distributed as images with these known
    pixels are, and so at the adversarial game's own equilibrium (Gneiting and Raftery 2007,
    equation 22; Bouchacourt et al. 2016). For `conditions.Known`, whose samples are such pairs.

    Args:
        discriminator_weight: Factor of D's loss.
        energy_weight: `w`, at least 0.
    """

    reads: tuple[str, ...] = ("truth",)

    def __init__(self, discriminator_weight: float = 1.0, energy_weight: float = 2.0):
        super().__init__(discriminator_weight)
        if not 0 <= energy_weight < math.inf:
            raise InputError(f"`energy_weight` must be >= 0. Received: {energy_weight}")
        self.energy_weight = energy_weight

    def generator(self, real: Judgement | None, fake: Judgement) -> tf.Tensor:
        """Returns the sum of both for every completion, float `[n]`."""
        made = _flat(fake.examples)
        rows = tf.shape(made)[0]
        other = tf.bitwise.bitwise_xor(tf.range(rows), 1)
        other = tf.gather(made, tf.minimum(other, rows - 1))
        energy = _norm(made - _flat(fake.condition["truth"])) - 0.5 * _norm(made - other)
        return super().generator(real, fake) + self.energy_weight * energy

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "energy_weight": self.energy_weight}


def _flat(examples: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.reshape(examples, [-1, math.prod(examples.shape[1:])]), tf.float32)


def _norm(vectors: tf.Tensor) -> tf.Tensor:
    """Norms of `[n, d]`, with a gradient of 0 at 0."""
    squares = tf.reduce_sum(tf.square(vectors), axis=1)
    return tf.sqrt(tf.maximum(squares, 1e-12))


def _balanced(rows: tf.Tensor) -> tf.Tensor:
    """Weights by which a mean over all rows is one over these, float32 `[n]`; 0 if there are none.

    Args:
        rows: Which rows count, bool `[n]`.
    """
    chosen = tf.cast(rows, tf.float32)
    return tf.math.divide_no_nan(chosen, global_mean(chosen))


NAMES = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "blended": Blended,
    "held_back": HeldBack,
    "feature_matching": FeatureMatching,
    "semi_supervised": SemiSupervised,
    "completing": Completing,
}


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
