"""Adaptive discriminator augmentation (ADA)."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from keras_gan.augmentation.transforms import RandomTransforms
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.core.replicas import global_mean

__all__ = ["ADA"]


@keras.saving.register_keras_serializable("keras_gan")
class ADA(RandomTransforms):
    """`RandomTransforms` as strong as D's overfitting asks for (Karras et al. 2020, section 3).

    The probability p begins at 0. After every `interval` of D's minibatches, the mean r over them
    of sign D(x), D(x) being the logits of data, is compared with the target. p rises if r is above
    it and falls if r is below, by `minibatch * interval / images`, and stays in [0, 1]; the
    released code has no upper bound. p is saved in checkpoints; `strength` reads it.

    Losses of differences of logits (Wasserstein, relativistic) do not determine where 0 is. There,
    D(x) is measured from the middle between the means of D(x) and D(G(z)) over the minibatch.

    Args:
        target: r to hold, in (-1, 1); 0.6 in the paper.
        images: Images of data in which p goes from 0 to 1 if r stays above the target.
        interval: D's minibatches between two changes of p.
        geometry: As in `RandomTransforms`.
        color: As in `RandomTransforms`.
        cutout: As in `RandomTransforms`.
    """

    reads_signs = True
    uses_batch_means = True

    def __init__(
        self,
        target: float = 0.6,
        images: int = 500_000,
        interval: int = 4,
        *,
        geometry: float = 1.0,
        color: float = 1.0,
        cutout: float = 0.0,
        **kwargs,
    ):
        super().__init__(0.0, geometry=geometry, color=color, cutout=cutout, **kwargs)
        if not (isinstance(target, int | float) and -1 < target < 1):
            raise InputError(f"`target` must be a number in (-1, 1). Received: {target!r}")
        if not (isinstance(images, int | float) and 0 < images < math.inf):
            raise InputError(f"`images` must be a number > 0. Received: {images!r}")
        if not (isinstance(interval, int) and interval >= 1):
            raise InputError(f"`interval` must be an int >= 1. Received: {interval!r}")
        self.target, self.images, self.interval = target, images, interval

    def build(self, input_shape) -> None:
        """Creates p, and what is counted since it changed."""
        super().build(input_shape)
        self.probability = self._number("probability")
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
        last = minibatches == self.interval
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        rows = tf.cast(tf.shape(real.logits)[0] * replicas, tf.float32)
        step = rows * (self.interval / self.images)
        change = step * tf.sign(signs / self.interval - self.target)
        probability = tf.clip_by_value(self.probability + change, 0.0, 1.0)
        self.probability.assign(tf.where(last, probability, self.probability))
        self._signs.assign(tf.where(last, 0.0, signs))
        self._minibatches.assign(tf.where(last, 0.0, minibatches))

    def get_config(self) -> dict:
        config = super().get_config()
        del config["probability"]
        return {
            **config,
            "target": self.target,
            "images": self.images,
            "interval": self.interval,
        }
