"""Spectral normalization."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from keras_gan.core import randomness
from keras_gan.core.arguments import weight
from keras_gan.core.errors import InputError

_WRAPPED = (
    keras.layers.Dense,
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.Embedding,
)
_FIRST_ITERATIONS = 15


@keras.saving.register_keras_serializable("keras_gan")
class SpectralNorm(keras.layers.Wrapper):
    """A layer whose kernel is divided by its largest singular value (Miyato et al. 2018).

    The kernel is read as a matrix W `[rest, outputs]`. Its norm is estimated by power iteration:
    `sigma = v^T W u` with v = W u / ||W u||, where u is kept from one update to the next. Gradients
    go through W and sigma, not through u and v. The weight itself is never overwritten, unlike in
    `keras.layers.SpectralNormalization`. Norms are float32 under any dtype policy.

    In a `GAN` all passes of a step see the same norm: u moves in `after_update`, which training
    calls once after each update of the network. Elsewhere, also where `RowDraws` are drawn from, as
    in a loop of your own, each call with `training=True` moves it first.

    Args:
        layer: A `Dense`, `Conv2D`, `Conv2DTranspose` or `Embedding` layer. Its name and its dtype
            policy are the defaults of `name` and `dtype`.
        epsilon: The smallest norm that W is divided by.

    Input and output: those of the layer.
    """

    def __init__(self, layer: keras.layers.Layer, epsilon: float = 1e-12, **kwargs):
        if not isinstance(layer, _WRAPPED):
            raise InputError(
                "`layer` must be a Dense, Conv2D, Conv2DTranspose or Embedding layer. "
                f"Received: {layer!r}"
            )
        if layer.activity_regularizer is not None:
            raise InputError(
                "give `activity_regularizer` to SpectralNorm, not to the layer inside it. "
                f"Received: layer={layer.name!r}"
            )
        layer.dtype_policy = kwargs.pop("dtype", layer.dtype_policy)
        # The layer inside casts its inputs and its kernel; here nothing is cast.
        super().__init__(layer, **{"name": layer.name, **kwargs}, dtype="float32", autocast=False)
        self.epsilon = weight("epsilon", epsilon)

    def build(self, input_shape=None):
        """Creates u `[outputs]`, close to its limit for the initial kernel."""
        super().build(input_shape)
        self.u = self.add_weight(
            shape=(self._kernel_matrix().shape[1],),
            initializer=self._initial_u,
            trainable=False,
            aggregation="only_first_replica",
            name="u",
        )

    @property
    def kernel(self) -> keras.Variable:
        """The weight W, not normalized, in the layer's shape."""
        is_embedding = isinstance(self.layer, keras.layers.Embedding)
        return self.layer.embeddings if is_embedding else self.layer.kernel

    def _kernel_matrix(self) -> tf.Tensor:
        kernel = tf.cast(self.kernel.value, tf.float32)
        if isinstance(self.layer, keras.layers.Conv2DTranspose):
            kernel = tf.transpose(kernel, [0, 1, 3, 2])  # from [h, w, outputs, inputs]
        return tf.reshape(kernel, [-1, kernel.shape[-1]])

    def _initial_u(self, shape, dtype=None) -> tf.Tensor:
        u = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
        for _ in range(_FIRST_ITERATIONS):
            u = self._iterate(u)
        return u

    def _iterate(self, u: tf.Tensor) -> tf.Tensor:
        """W^T W u, normalized; u itself where that is 0."""
        matrix = self._kernel_matrix()
        product = tf.linalg.matvec(matrix, tf.linalg.matvec(matrix, u), transpose_a=True)
        norm = tf.norm(product)
        return tf.stop_gradient(tf.where(norm > self.epsilon**2, product / norm, u))

    def sigma(self) -> tf.Tensor:
        """The estimate of the largest singular value, a float32 scalar, differentiable.

        Up to `epsilon` it is 1: a kernel of zeros, as some layers start with, stays as it is. Its
        gradient would be divided by nearly 0, and Adam remembers that for thousands of steps.
        """
        # v^T W u is ||W u||; so is its gradient, v u^T, if u and v are constants.
        product = tf.linalg.matvec(self._kernel_matrix(), self.u.value)
        square = tf.reduce_sum(product**2)
        return tf.sqrt(tf.where(square > self.epsilon**2, square, 1.0))

    def after_update(self) -> None:
        """One power iteration."""
        self.u.assign(self._iterate(self.u.value))

    def call(self, inputs, training=False):
        if training and not isinstance(randomness.current_draws(), randomness.StepDraws):
            self.after_update()
        normalized = tf.cast(self.kernel.value, tf.float32) / self.sigma()
        # This scope hides the values that one around it has, such as those of `stateless_call`.
        values = [(weight, weight.value) for weight in self.layer.weights]
        values.append((self.kernel, tf.cast(normalized, self.kernel.dtype)))
        with keras.StatelessScope(values):
            return self.layer(inputs)

    def get_config(self) -> dict:
        dtype = keras.dtype_policies.serialize(self.layer.dtype_policy)
        return {**super().get_config(), "epsilon": self.epsilon, "dtype": dtype}

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> SpectralNorm:
        """Makes the layer from `get_config`'s dictionary, whose "dtype" is that of both layers."""
        inside = config["layer"]["config"] | {"dtype": config["dtype"]}
        layer = config["layer"] | {"config": inside}
        return super().from_config(config | {"layer": layer}, custom_objects)
