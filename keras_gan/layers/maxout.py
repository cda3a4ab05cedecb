"""Maxout units."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from keras_gan.core.arguments import whole
from keras_gan.core.errors import InputError


@keras.saving.register_keras_serializable("keras_gan")
class Maxout(keras.layers.Layer):
    """Maximum over groups of channels (Goodfellow et al. 2013).

    Put it after a `Dense` or convolution layer with `units * pieces` outputs: piece `j` of unit
    `i` is channel `j * units + i`. A constraint on that layer's kernel then holds for each piece.

    Args:
        pieces: Linear pieces of each unit, at least 2; must divide the number of channels.

    Input: float `[..., units * pieces]`. Output: float `[..., units]`.
    """

    def __init__(self, pieces: int, **kwargs):
        super().__init__(**kwargs)
        self.pieces = whole("pieces", pieces, least=2)

    def build(self, input_shape):
        if input_shape[-1] is None or input_shape[-1] % self.pieces:
            raise InputError(
                f"the last dimension must be fixed, a multiple of `pieces`={self.pieces}. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        self.built = True

    def call(self, inputs):
        shape = [*ops.shape(inputs)[:-1], self.pieces, inputs.shape[-1] // self.pieces]
        return _maximum_of_pieces(tf.reshape(inputs, shape))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self) -> dict:
        return {**super().get_config(), "pieces": self.pieces}


@tf.custom_gradient
def _maximum_of_pieces(pieces):
    """Maximum over the last but one axis; pieces that tie share the gradient evenly.

    The gradient of `tf.reduce_max` takes twice as long: a tenth of the MNIST recipe's step.
    """
    maximum = tf.reduce_max(pieces, axis=-2)

    def gradient(upstream):
        is_maximum = tf.cast(tf.equal(pieces, maximum[..., None, :]), upstream.dtype)
        return is_maximum * (upstream / tf.reduce_sum(is_maximum, axis=-2))[..., None, :]

    return maximum, gradient
