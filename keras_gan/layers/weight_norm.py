"""Weight normalization."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable("keras_gan")
class WeightNormDense(keras.layers.Layer):
    """A dense layer whose weights are a scale and a direction: `w = g v / ||v||` for each unit.

    Weight normalization (Salimans and Kingma 2016, equation 2).

    Args:
        units: Number of units.
        activation: Activation, as for Keras's `Dense`.
        train_scale: Whether g is trained. If not, training cannot outgrow noise of a fixed size
            above the layer.
        kernel_initializer: Initializer of v; the larger its norm relative to the learning rate,
            the more slowly the direction changes.

    Input: float `[..., inputs]`. Output: float `[..., units]`.
    """

    def __init__(
        self,
        units: int,
        activation=None,
        train_scale: bool = True,
        kernel_initializer="random_normal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.train_scale = train_scale
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        """Creates v `[inputs, units]`, g and the biases `[units]`."""
        # Norms are computed in float32 under any dtype policy.
        self.direction = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer=self.kernel_initializer,
            autocast=False,
            name="direction",
        )
        self.scale = self.add_weight(
            shape=(self.units,),
            initializer="ones",
            trainable=self.train_scale,
            autocast=False,
            name="scale",
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    @property
    def kernel(self) -> tf.Tensor:
        """The weights, float32 `[inputs, units]`."""
        return self.scale * tf.math.l2_normalize(self.direction, axis=0)

    def call(self, inputs):
        products = ops.matmul(inputs, ops.cast(self.kernel, inputs.dtype))
        return self.activation(products + ops.cast(self.bias, inputs.dtype))

    def normalize_on(self, inputs: tf.Tensor) -> None:
        """Sets g and b so that before the activation each unit has mean 0 and variance 1.

        The initialization of Salimans and Kingma 2016, section 3, for inputs of some examples,
        float `[n, inputs]`. The g of a unit that is constant on them does not change.
        """
        products = tf.matmul(tf.cast(inputs, tf.float32), self.kernel)
        mean, variance = tf.nn.moments(products, axes=[0])
        varies = variance > 1e-10 * tf.square(mean)  # by more than rounding
        factor = tf.where(varies, tf.math.rsqrt(variance), 1.0)
        self.scale.assign(self.scale * factor)
        self.bias.assign(-mean * factor)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "train_scale": self.train_scale,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
