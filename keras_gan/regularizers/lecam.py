"""LeCam regularization, which remembers what D gave before."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core.arguments import share, whole
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.core.replicas import global_mean
from keras_gan.optimizers.schedules import current_value
from keras_gan.regularizers.base import Discriminate, Regularizer, Weight, check_weight

__all__ = ["LeCam"]


@keras.saving.register_keras_serializable("keras_gan")
class LeCam(Regularizer):
    """`weight (max(0, C(x) - f)^2 + max(0, r - C(G(z)))^2)` (Tseng et al. 2021, arXiv:2104.03310).

    r and f are moving averages of the mean logits of data and of samples, as they were after the
    present update; they belong to the checkpoint.

    Args:
        weight: Weight, a number >= 0 or a schedule of images seen.
        decay: How much of an average remains in each of D's updates, in [0, 1).
        start: Updates of D before the averages begin; until then they are the present means.
    """

    name = "lecam"
    uses_batch_means = True

    def __init__(self, weight: Weight = 0.3, decay: float = 0.99, start: int = 1000):
        super().__init__()
        self.weight = check_weight("weight", weight)
        self.decay, self.start = share("decay", decay), whole("start", start, least=0)

    def build(self) -> None:
        """Makes the two averages and the number of updates."""
        if not self.variables:
            self.variables = [
                keras.Variable(
                    0, dtype=kind, trainable=False, aggregation="only_first_replica", name=name
                )
                for name, kind in (("real", "float32"), ("fake", "float32"), ("updates", "int64"))
            ]

    def penalty(
        self, discriminate: Discriminate, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> tf.Tensor:
        """Returns the penalty of each pair, float32 `[n]`, and moves the averages."""
        if not self.variables:
            raise InputError("call `build()` once before LeCam is used outside of a GAN")
        updates = self.variables[2]
        decay = tf.where(updates.value < self.start, 0.0, self.decay)
        r, f = (
            decay * average.value + (1 - decay) * tf.stop_gradient(global_mean(output.logits))
            for average, output in zip(self.variables, (real, fake), strict=False)
        )
        for variable, value in zip(self.variables, (r, f, updates.value + 1), strict=True):
            variable.assign(value)
        above = tf.square(tf.nn.relu(real.logits - f)) + tf.square(tf.nn.relu(r - fake.logits))
        return current_value(self.weight) * above
