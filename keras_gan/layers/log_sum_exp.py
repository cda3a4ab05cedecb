"""The logit of a discriminator that classifies."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gan")
class LogSumExp(keras.layers.Layer):
    """The logarithm of the sum of the exponentials over the last axis.

    Input: float `[..., n]`. Output: float `[...]`.
    """

    def call(self, inputs):
        """Returns the logarithms."""
        return ops.logsumexp(inputs, axis=-1)
