"""Pooling and biases of the paper's convolutional networks."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from keras_gan.core.arguments import wholes
from keras_gan.core.errors import InputError


@keras.saving.register_keras_serializable("keras_gan")
class PartialMaxPooling2D(keras.layers.Layer):
    """Max pooling with partial windows at the lower and right edges.

    An input of length `n` gives `ceil((n - pool_size) / strides) + 1`, and at least 1; Keras's
    "valid" drops the last partial window and its "same" pads on both sides.

    Args:
        pool_size: Side of the windows.
        strides: Step between windows, at most `pool_size`.

    Input: float `[n, height, width, channels]`.
    """

    pools_maxima = True  # which XLA does not differentiate twice

    def __init__(self, pool_size: int, strides: int, **kwargs):
        super().__init__(**kwargs)
        self.strides, self.pool_size = wholes(strides=strides, pool_size=pool_size)
        if strides > pool_size:
            raise InputError(
                "pooling needs `strides` <= `pool_size`. "
                f"Received: strides={strides}, pool_size={pool_size}"
            )

    def _windows(self, length: int) -> int:
        return -(-max(length - self.pool_size, 0) // self.strides) + 1

    def call(self, inputs):
        missing = [
            (self._windows(length) - 1) * self.strides + self.pool_size - length
            for length in inputs.shape[1:3]
        ]
        padding = [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]]
        padded = tf.pad(inputs, padding, constant_values=inputs.dtype.min)
        return tf.nn.max_pool2d(padded, self.pool_size, self.strides, "VALID")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, self._windows(height), self._windows(width), channels)

    def get_config(self) -> dict:
        return {**super().get_config(), "pool_size": self.pool_size, "strides": self.strides}


@keras.saving.register_keras_serializable("keras_gan")
class UntiedBias(keras.layers.Layer):
    """Adds a separate bias at every position and channel, initially 0."""

    def build(self, input_shape):
        self.bias = self.add_weight(shape=input_shape[1:], initializer="zeros", name="bias")

    def call(self, inputs):
        return inputs + ops.cast(self.bias, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape
