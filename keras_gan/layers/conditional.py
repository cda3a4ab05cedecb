"""Layers that a condition modulates. A class is given as a one-hot vector: see `OneHot`."""

from __future__ import annotations

import keras
from keras import ops

from keras_gan.core.errors import InputError
from keras_gan.layers.parts import CompoundLayer


class _Conditional(CompoundLayer):
    def _dense(
        self, units: int, initializer, name: str, input_shape, use_bias: bool = False
    ) -> keras.layers.Layer:
        if len(input_shape) != 2:
            raise InputError(
                f"the condition of {type(self).__name__} must be float vectors [n, v]; classes "
                f"need a OneHot layer before it. Received: shape {tuple(input_shape)}"
            )
        layer = keras.layers.Dense(
            units,
            use_bias=use_bias,
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name=name,
        )
        return self._built(layer, input_shape)


@keras.saving.register_keras_serializable("keras_gan")
class ConditionalBatchNormalization(_Conditional):
    """Batch normalization whose scale and offset depend on a condition y.

    `(1 + W_g y) x + W_b y`, where x is normalized over the rows of all replicas and all positions
    (de Vries et al. 2017; as in BigGAN, Brock et al. 2019, appendix B).

    Args:
        epsilon: Added to the variance.
        momentum: Momentum of the moving averages, as for Keras's `BatchNormalization`.
        spectral_norm: Whether W_g and W_b are spectrally normalized.
        kernel_initializer: Initializer of W_g and W_b; each gets a seed of its own. None: zeros, or
            orthogonal ones where they are spectrally normalized.

    Inputs: float `[n, ..., c]`; the condition y, float `[n, v]`. Output: float `[n, ..., c]`.
    """

    def __init__(
        self,
        epsilon: float = 1e-4,
        momentum: float = 0.9,
        spectral_norm: bool = False,
        kernel_initializer=None,
        **kwargs,
    ):
        by_rule = "orthogonal" if spectral_norm else "zeros"
        super().__init__(spectral_norm, kernel_initializer or by_rule, **kwargs)
        self.epsilon = epsilon
        self.momentum = momentum

    def build(self, inputs_shape, condition_shape):
        """Creates the moving averages `[c]` and W_g and W_b `[v, c]`."""
        self.normalization = keras.layers.BatchNormalization(
            momentum=self.momentum,
            epsilon=self.epsilon,
            center=False,
            scale=False,
            synchronized=True,
            dtype=self.dtype_policy,
            name="normalization",
        )
        self.normalization.build(inputs_shape)
        channels, (first, second) = inputs_shape[-1], self._initializers(2)
        self.scale = self._dense(channels, first, "scale", condition_shape)
        self.offset = self._dense(channels, second, "offset", condition_shape)

    def call(self, inputs, condition, training=False):
        shape = (-1, *[1] * (len(inputs.shape) - 2), inputs.shape[-1])
        scale = ops.reshape(self.scale(condition), shape)
        offset = ops.reshape(self.offset(condition), shape)
        return self.normalization(inputs, training=training) * (1 + scale) + offset

    def compute_output_shape(self, inputs_shape, condition_shape):
        return inputs_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "epsilon": self.epsilon, "momentum": self.momentum}


@keras.saving.register_keras_serializable("keras_gan")
class Projection(_Conditional):
    """The logit of a conditional discriminator, `w . h + b + (E y) . h` (Miyato and Koyama 2018).

    Args:
        spectral_norm: Whether w and E are spectrally normalized.
        kernel_initializer: Initializer of w and E; each gets a seed of its own.

    Inputs: features h, float `[n, d]`; the condition y, float `[n, v]`. Output: float `[n, 1]`.
    """

    def build(self, inputs_shape, condition_shape):
        """Creates w `[d, 1]`, b `[1]` and E `[v, d]`."""
        first, second = self._initializers(2)
        self.linear = self._dense(1, first, "linear", inputs_shape, use_bias=True)
        self.embedding = self._dense(inputs_shape[-1], second, "embedding", condition_shape)

    def call(self, inputs, condition):
        product = ops.sum(self.embedding(condition) * inputs, axis=-1, keepdims=True)
        return self.linear(inputs) + product

    def compute_output_shape(self, inputs_shape, condition_shape):
        return (inputs_shape[0], 1)
