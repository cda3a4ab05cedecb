"""Layers that bring conditions into a network."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable("keras_gan")
class OneHot(keras.layers.Layer):
    """Turns a class into a vector of zeros and, at its place, one value.

    Args:
        count: Number of classes.
        value: That value; `sqrt(count)` gives each component the mean square 1, as those of the
            priors have.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: int `[...]`. Output: float `[..., count]`, all zero where the class is out of range.
    """

    def __init__(self, count: int, value: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.count = count
        self.value = value

    def call(self, inputs):
        """Returns the vectors."""
        return self.value * tf.one_hot(inputs, self.count, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns the input's shape and one more dimension."""
        return (*input_shape, self.count)

    def compute_output_spec(self, inputs):
        """Returns what `call` gives: not of the inputs' type, which is an integer's."""
        return keras.KerasTensor((*inputs.shape, self.count), self.compute_dtype)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "count": self.count, "value": self.value}


@keras.saving.register_keras_serializable("keras_gan")
class Cast(keras.layers.Layer):
    """Turns integers or booleans into floats of the layer's type."""

    def call(self, inputs):
        """Returns the numbers."""
        return tf.cast(inputs, self.compute_dtype)

    def compute_output_spec(self, inputs):
        """Returns what `call` gives."""
        return keras.KerasTensor(inputs.shape, self.compute_dtype)


@keras.saving.register_keras_serializable("keras_gan")
class Compose(keras.layers.Layer):
    """Takes known pixels as they are, to the last bit, and the others from a painted image.

    Inputs: painted and known, float `[n, h, w, c]`; mask, bool `[n, h, w, 1]`, true where known.
    Output: float `[n, h, w, c]`.
    """

    def call(self, painted, known, mask):
        """Returns the composed images."""
        return ops.where(mask, known, painted)


@keras.saving.register_keras_serializable("keras_gan")
class LogSumExp(keras.layers.Layer):
    """The logarithm of the sum of the exponentials of the last axis.

    Input: float `[..., n]`. Output: float `[...]`.
    """

    def call(self, inputs):
        """Returns the logarithms."""
        return ops.logsumexp(inputs, axis=-1)
