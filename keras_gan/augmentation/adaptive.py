"""A probability that follows D's overfitting."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from keras_gan.core.arguments import is_number, whole
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.core.replicas import global_mean

__all__ = ["Adaptive"]


@keras.saving.register_keras_serializable("keras_gan")
class Adaptive(keras.layers.Layer):
    """The probability of an augmentation that D's overfitting asks for (ADA).

    Karras et al. 2020 (arXiv:2006.06676), section 3: the probability p begins at 0. After every
    `interval` of D's minibatches, the mean r over them of sign D(x), D(x) being the logits of data,
    is compared with the target. p rises if r is above it and falls if r is below, by `minibatch *
    interval / images`, and stays in [0, 1]; the released code has no upper bound.

    Losses of differences of logits (Wasserstein, relativistic) do not determine where 0 is, nor how
    far the logits of two classes are apart. There, the sign is that of D(x) - D(G(z)) in each row
    of the minibatch, where x and G(z) have the same class (unless classes of samples are drawn).

    Args:
        target: r to hold, in (-1, 1); 0.6 in the paper.
        images: Images of data in which p goes from 0 to 1 if r stays above the target.
        interval: D's minibatches between two changes of p.

    Example:
        >>> augmentation = DiffAugment("color,translation", probability=Adaptive(images=50_000))
    """

    def __init__(self, target: float = 0.6, images: float = 500_000, interval: int = 4, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        if not (is_number(target) and -1 < target < 1):
            raise InputError(f"`target` must be a number in (-1, 1). Received: {target!r}")
        if not (is_number(images) and 0 < images < math.inf):
            raise InputError(f"`images` must be a number > 0. Received: {images!r}")
        self.target, self.images, self.interval = target, images, whole("interval", interval)

    def build(self, input_shape=None) -> None:
        """Creates p, and what is counted since it changed."""
        self.value = self._number("probability")
        self._signs = self._number("signs")  # sum of the minibatches' means
        self._minibatches = self._number("minibatches")

    def _number(self, name: str) -> keras.Variable:
        # All replicas compute the same value.
        return self.add_weight(
            shape=(),
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name=name,
        )

    def update(self, real: DiscriminatorOutput) -> None:
        """Counts D's minibatch, and changes p if it is the last one of an interval."""
        signs = self._signs + global_mean(tf.sign(real.logits))
        minibatches = self._minibatches + 1.0
        last = minibatches >= self.interval  # a checkpoint may hold more than a shorter interval
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        rows = tf.cast(tf.shape(real.logits)[0] * replicas, tf.float32)
        step = rows * (self.interval / self.images)
        change = step * tf.sign(signs / minibatches - self.target)
        probability = tf.clip_by_value(self.value + change, 0.0, 1.0)
        self.value.assign(tf.where(last, probability, self.value))
        self._signs.assign(tf.where(last, 0.0, signs))
        self._minibatches.assign(tf.where(last, 0.0, minibatches))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "target": self.target,
            "images": self.images,
            "interval": self.interval,
        }
