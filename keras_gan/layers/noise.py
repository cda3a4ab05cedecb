"""Dropout and noise whose draws are a function of seed, step and global row."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core import randomness
from keras_gan.core.arguments import integer, share, weight
from keras_gan.core.errors import InputError


class _Noise(keras.layers.Layer):
    """A layer that is active in training and, if `sampling` is true, outside training too."""

    def __init__(self, sampling: bool = False, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.sampling = sampling
        self.seed = None if seed is None else integer("seed", seed)
        # For calls outside a GAN; created here, because graphs must not create variables.
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, inputs, training=False):
        return self._add_noise(inputs) if training or self.sampling else inputs

    def _bits(self, inputs) -> tf.Tensor:
        draws = randomness.current_draws()
        if draws is not None:
            bits = draws.bits(inputs.shape[1:])
            drawn, rows = bits.shape[0], inputs.shape[0]
            if drawn and rows and drawn % rows:
                raise InputError(
                    f"layer {self.name!r} draws for each of the {drawn} rows of the minibatch; do "
                    f"not fold other axes into them before it. Received: shape {inputs.shape}"
                )
            # Packed examples (`layers.Pack`) have the bits of their first one.
            return bits[:: drawn // rows] if drawn and rows and drawn > rows else bits
        seed = self.seed_generator.next()
        return tf.random.stateless_uniform(tf.shape(inputs), seed, None, None, tf.uint32)

    def _add_noise(self, inputs):
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "sampling": self.sampling, "seed": self.seed}


@keras.saving.register_keras_serializable("keras_gan")
class Dropout(_Noise):
    """Inverted dropout: elements are kept with probability `1 - rate` and divided by it, or 0.

    Args:
        rate: Probability of dropping an element, in [0, 1).
        sampling: Whether it is active outside training too (in `generate` and in exports).
        seed: Seed for calls outside a `GAN`.
    """

    def __init__(self, rate: float, sampling: bool = False, seed: int | None = None, **kwargs):
        super().__init__(sampling, seed, **kwargs)
        self.rate = share("rate", rate)

    def _add_noise(self, inputs):
        if self.rate == 0:
            return inputs
        keep = 1 - self.rate
        # Bits compare as signed integers, for which every device has a kernel.
        threshold = min(round(keep * 2**32) - 2**31, 2**31 - 1)
        mask = tf.bitcast(self._bits(inputs), tf.int32) < threshold
        return inputs * (tf.cast(mask, inputs.dtype) * (1 / keep))

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable("keras_gan")
class GaussianNoise(_Noise):
    """Adds normal noise to each element.

    Args:
        stddev: Standard deviation of the noise, at least 0.
        sampling: Whether it is active outside training too (in `generate` and in exports).
        seed: Seed for calls outside a `GAN`.
    """

    def __init__(self, stddev: float, sampling: bool = False, seed: int | None = None, **kwargs):
        super().__init__(sampling, seed, **kwargs)
        self.stddev = weight("stddev", stddev)

    def _add_noise(self, inputs):
        return inputs + tf.cast(self.stddev * randomness.normal(self._bits(inputs)), inputs.dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "stddev": self.stddev}
