"""Layers without weights that conditional and classifying networks need."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from keras_gan.core.arguments import whole


@keras.saving.register_keras_serializable("keras_gan")
class OneHot(keras.layers.Layer):
    """One-hot vectors of classes.

    Args:
        count: Number of classes.
        value: The non-zero component; `sqrt(count)` gives the components the mean square 1, as
            those of the priors have.

    Input: int `[...]`. Output: float `[..., count]`, all zeros for a class out of range.
    """

    def __init__(self, count: int, value: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.count = whole("count", count)
        self.value = value

    def call(self, inputs):
        return self.value * tf.one_hot(inputs, self.count, dtype=self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "count": self.count, "value": self.value}


@keras.saving.register_keras_serializable("keras_gan")
class Cast(keras.layers.Layer):
    """Casts integers or booleans to the layer's floating-point dtype."""

    def call(self, inputs):
        return tf.cast(inputs, self.compute_dtype)


@keras.saving.register_keras_serializable("keras_gan")
class Compose(keras.layers.Layer):
    """Known pixels, bit for bit, where the mask is true, and generated pixels elsewhere.

    Its dtype is float32 under any dtype policy, unless it is given another one.

    Inputs: generated and known images, float `[n, h, w, c]`; mask, bool `[n, h, w, 1]`.
    Output: float `[n, h, w, c]`.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, generated, known, mask):
        return ops.where(mask, known, generated)


@keras.saving.register_keras_serializable("keras_gan")
class LogSumExp(keras.layers.Layer):
    """The logarithm of the sum of the exponentials over the last axis.

    Input: float `[..., n]`. Output: float `[...]`.
    """

    def call(self, inputs):
        return ops.logsumexp(inputs, axis=-1)
