"""Self-attention."""

from __future__ import annotations

import keras
from keras import ops

from keras_gan.core.errors import InputError
from keras_gan.layers import channels_last
from keras_gan.layers.parts import CompoundLayer


@keras.saving.register_keras_serializable("keras_gan")
class SelfAttention(CompoundLayer):
    """Adds to each position of an image a mean of features of all positions.

    SAGAN (Zhang et al. 2019, equations 1 to 4), with the changes of its released code: keys and
    values are max-pooled 2x2 and values have c/2 channels. With 1x1 convolutions theta, phi
    (c/8 channels), g and o, `x + s o(softmax(theta(x) phi(x)^T) g(x))`, and s starts at 0.

    Args:
        spectral_norm: Whether the convolutions are spectrally normalized.
        kernel_initializer: Initializer of the four kernels; each gets a seed of its own.

    Input and output: float `[n, height, width, c]`, both sides at least 2.
    """

    pools_maxima = True  # which XLA does not differentiate twice

    def build(self, input_shape):
        """Creates the kernels of theta, phi, g and o, without biases, and s, a scalar."""
        if len(input_shape) != 4 or 1 in input_shape[1:3]:
            raise InputError(
                "SelfAttention takes images [n, h, w, c], both sides at least 2: keys and values "
                f"are pooled 2x2. Received: shape {tuple(input_shape)}"
            )
        channels = input_shape[-1]
        few, half = max(1, channels // 8), max(1, channels // 2)
        kernels = iter(self._initializers(4))

        def convolution(filters, inputs, name):
            layer = channels_last.Conv2D(
                filters,
                1,
                use_bias=False,
                kernel_initializer=next(kernels),
                dtype=self.dtype_policy,
                name=name,
            )
            return self._built(layer, (*input_shape[:-1], inputs))

        self.theta = convolution(few, channels, "theta")
        self.phi = convolution(few, channels, "phi")
        self.g = convolution(half, channels, "g")
        self.o = convolution(channels, half, "o")
        self.scale = self.add_weight(shape=(), initializer="zeros", name="scale")

    def call(self, inputs):
        height, width = inputs.shape[1:3]

        def rows(x):  # [n, positions, channels]
            return ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))

        queries = rows(self.theta(inputs))
        keys = rows(ops.max_pool(self.phi(inputs), 2, data_format="channels_last"))
        values = rows(ops.max_pool(self.g(inputs), 2, data_format="channels_last"))
        scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
        weights = ops.softmax(ops.cast(scores, "float32"), axis=-1)
        attended = ops.matmul(ops.cast(weights, values.dtype), values)
        attended = ops.reshape(attended, (-1, height, width, values.shape[-1]))
        return inputs + ops.cast(self.scale, inputs.dtype) * self.o(attended)

    def compute_output_shape(self, input_shape):
        return input_shape
