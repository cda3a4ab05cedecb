"""Maps from a vector."""

from __future__ import annotations

import keras
from keras import ops

from keras_gan.core.arguments import wholes


@keras.saving.register_keras_serializable("keras_gan")
class LearnedBasis(keras.layers.Layer):
    """A trained image of each channel, times the channel's value.

    The input layer of R3GAN's generator (Huang et al. 2024, arXiv:2501.05441).

    Args:
        height: Height of the images.
        width: Width of the images.
        initializer: Initializer of the images `[height, width, c]`.

    Input: float `[n, c]`. Output: float `[n, height, width, c]`.
    """

    def __init__(self, height: int, width: int, initializer="random_normal", **kwargs):
        super().__init__(**kwargs)
        self.height, self.width = wholes(height=height, width=width)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        self.basis = self.add_weight(
            shape=(self.height, self.width, input_shape[-1]),
            initializer=self.initializer,
            name="basis",
        )

    def call(self, inputs):
        return inputs[:, None, None, :] * ops.cast(self.basis, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "initializer": keras.initializers.serialize(self.initializer),
        }
