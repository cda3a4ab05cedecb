"""Layers that the paper's networks need and Keras does not have.

`Dropout` and `GaussianNoise` take their numbers from `keras_gan.randomness`: in a `GAN` they
depend on the seed, the step, the purpose and the global row alone. Outside of one they behave as
Keras's own layers do.
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf
from keras import ops

from keras_gan import randomness
from keras_gan.errors import InputError


@keras.saving.register_keras_serializable("keras_gan")
class Maxout(keras.layers.Layer):
    """Maximum over groups of channels (Goodfellow et al. 2013).

    Put it after a `Dense` or convolution layer with `units * pieces` outputs: piece `j` of unit
    `i` is channel `j * units + i`. A constraint on that layer's kernel then holds for each piece.

    Args:
        pieces: Linear pieces of each unit, at least 2; must divide the number of channels.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: float `[..., units * pieces]`. Output: float `[..., units]`.
    """

    def __init__(self, pieces: int, **kwargs):
        super().__init__(**kwargs)
        if pieces < 2:
            raise InputError(f"`pieces` must be >= 2. Received: pieces={pieces}")
        self.pieces = pieces

    def build(self, input_shape):
        """Checks the number of channels."""
        if input_shape[-1] is None or input_shape[-1] % self.pieces:
            raise InputError(
                f"the last dimension must be fixed, a multiple of `pieces`={self.pieces}. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        self.built = True

    def call(self, inputs):
        """Returns the maximum of each unit's pieces."""
        shape = [*ops.shape(inputs)[:-1], self.pieces, inputs.shape[-1] // self.pieces]
        return _maximum_of_pieces(tf.reshape(inputs, shape))

    def compute_output_shape(self, input_shape):
        """Returns the input's shape with the channels divided by `pieces`."""
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "pieces": self.pieces}


@tf.custom_gradient
def _maximum_of_pieces(pieces):
    """Maximum over the last but one axis; pieces that tie share the gradient evenly.

    TensorFlow's own gradient of a reduction takes twice as long, a tenth of the MNIST recipe's
    step.
    """
    maximum = tf.reduce_max(pieces, axis=-2)

    def gradient(upstream):
        won = tf.cast(tf.equal(pieces, maximum[..., None, :]), upstream.dtype)
        return won * (upstream / tf.reduce_sum(won, axis=-2))[..., None, :]

    return maximum, gradient


@keras.saving.register_keras_serializable("keras_gan")
class WeightNormDense(keras.layers.Layer):
    """A dense layer whose weights are a length and a direction: `w = g v / ||v||` for each unit.

    Weight normalization (Salimans and Kingma 2016, equation 2).

    Args:
        units: Number of units.
        activation: Their activation, as of Keras's `Dense`.
        train_scale: False keeps the lengths as they are, so that noise of a fixed size above the
            layer cannot be drowned by longer weights.
        kernel_initializer: Of the directions; their initial norm, against the learning rate,
            decides how fast they turn.
        **kwargs: Arguments of `keras.layers.Layer`.

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
        """Makes v `[inputs, units]`, g and the biases `[units]`."""
        # Norms are taken in float32 whatever the layer computes in.
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
        """Returns `activation(inputs w + b)`."""
        products = ops.matmul(inputs, ops.cast(self.kernel, inputs.dtype))
        return self.activation(products + ops.cast(self.bias, inputs.dtype))

    def normalize_on(self, inputs: tf.Tensor) -> None:
        """Sets g and b so that before the activation each unit has mean 0 and variance 1.

        The initialization of Salimans and Kingma 2016, section 3. A unit that does not vary on the
        inputs keeps its g.

        Args:
            inputs: What the layer sees of some examples, float `[n, inputs]`.
        """
        products = tf.matmul(tf.cast(inputs, tf.float32), self.kernel)
        mean, variance = tf.nn.moments(products, axes=[0])
        varies = variance > 1e-10 * tf.square(mean)  # by more than rounding
        factor = tf.where(varies, tf.math.rsqrt(variance), 1.0)
        self.scale.assign(self.scale * factor)
        self.bias.assign(-mean * factor)

    def compute_output_shape(self, input_shape):
        """Returns the input's shape with `units` for its last dimension."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "train_scale": self.train_scale,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


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


class _Noise(keras.layers.Layer):
    """A layer that draws: in training always, while sampling if `sampling` says so."""

    def __init__(self, sampling: bool = False, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.sampling = sampling
        self.seed = seed
        # Only for calls outside a GAN; made at once, so that graph building never makes variables.
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        """Returns the inputs with noise in training, or as they are."""
        return self._disturb(inputs) if training or self.sampling else inputs

    def _bits(self, inputs) -> tf.Tensor:
        draws = randomness.current_draws()
        if draws is not None:
            return draws.bits(inputs.shape[1:])
        seed = self.seed_generator.next()
        return tf.random.stateless_uniform(tf.shape(inputs), seed, None, None, tf.uint32)

    def _disturb(self, inputs):
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "sampling": self.sampling, "seed": self.seed}


@keras.saving.register_keras_serializable("keras_gan")
class Dropout(_Noise):
    """Inverted dropout: each element is kept with probability `1 - rate` and divided by it, else 0.

    Args:
        rate: Probability of dropping an element, in [0, 1).
        sampling: True keeps it active outside training too (in `generate` and in exports).
        seed: Seed for calls outside a `GAN`.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, rate: float, sampling: bool = False, seed: int | None = None, **kwargs):
        super().__init__(sampling, seed, **kwargs)
        if not 0 <= rate < 1:
            raise InputError(f"`rate` must be in [0, 1). Received: rate={rate}")
        self.rate = rate

    def _disturb(self, inputs):
        if self.rate == 0:
            return inputs
        keep = 1 - self.rate
        # Bits compare as signed integers, for which every device has a kernel.
        threshold = min(round(keep * 2**32) - 2**31, 2**31 - 1)
        kept = tf.bitcast(self._bits(inputs), tf.int32) < threshold
        return inputs * (tf.cast(kept, inputs.dtype) * (1 / keep))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable("keras_gan")
class GaussianNoise(_Noise):
    """Adds normal noise to each element.

    Args:
        stddev: Standard deviation of the noise, at least 0.
        sampling: True keeps it active outside training too (in `generate` and in exports).
        seed: Seed for calls outside a `GAN`.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, stddev: float, sampling: bool = False, seed: int | None = None, **kwargs):
        super().__init__(sampling, seed, **kwargs)
        if not 0 <= stddev < math.inf:
            raise InputError(f"`stddev` must be >= 0. Received: stddev={stddev}")
        self.stddev = stddev

    def _disturb(self, inputs):
        return inputs + tf.cast(self.stddev * randomness.normal(self._bits(inputs)), inputs.dtype)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "stddev": self.stddev}


@keras.saving.register_keras_serializable("keras_gan")
class PartialMaxPooling2D(keras.layers.Layer):
    """Max pooling that keeps windows reaching over the lower and right edges.

    An input of length `n` gives `ceil((n - pool_size) / strides) + 1`, and at least 1; Keras's
    "valid" drops the last partial window and its "same" pads on both sides.

    Args:
        pool_size: Side of the windows.
        strides: Step between windows, at most `pool_size`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: float `[n, height, width, channels]`.
    """

    def __init__(self, pool_size: int, strides: int, **kwargs):
        super().__init__(**kwargs)
        if not 1 <= strides <= pool_size:
            raise InputError(
                "pooling needs 1 <= `strides` <= `pool_size`. "
                f"Received: strides={strides}, pool_size={pool_size}"
            )
        self.pool_size = pool_size
        self.strides = strides

    def _windows(self, length: int) -> int:
        return -(-max(length - self.pool_size, 0) // self.strides) + 1

    def call(self, inputs):
        """Returns the maximum of each window."""
        missing = [
            (self._windows(length) - 1) * self.strides + self.pool_size - length
            for length in inputs.shape[1:3]
        ]
        padding = [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]]
        padded = tf.pad(inputs, padding, constant_values=inputs.dtype.min)
        return tf.nn.max_pool2d(padded, self.pool_size, self.strides, "VALID")

    def compute_output_shape(self, input_shape):
        """Returns the pooled shape."""
        batch, height, width, channels = input_shape
        return (batch, self._windows(height), self._windows(width), channels)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "pool_size": self.pool_size, "strides": self.strides}


@keras.saving.register_keras_serializable("keras_gan")
class UntiedBias(keras.layers.Layer):
    """Adds a bias of its own at every position and channel, initially 0."""

    def build(self, input_shape):
        """Makes the bias, float `input_shape[1:]`."""
        self.bias = self.add_weight(shape=input_shape[1:], initializer="zeros", name="bias")

    def call(self, inputs):
        """Returns the inputs plus the bias."""
        return inputs + ops.cast(self.bias, inputs.dtype)

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape
