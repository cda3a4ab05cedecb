"""Distributions of the latent `z ~ p_z`, the generator's only input.

A prior turns random bits into latents, so that training, `generate`, exports and clients share one
definition.
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from keras_gan import randomness
from keras_gan.errors import InputError


class Prior:
    """Base of the priors: independent draws of `dimension` numbers.

    Args:
        dimension: Length of a latent vector, at least 1.
    """

    def __init__(self, dimension: int):
        if not isinstance(dimension, int) or isinstance(dimension, bool) or dimension < 1:
            raise InputError(f"`dimension` of a prior must be an int >= 1. Received: {dimension!r}")
        self.dimension = dimension

    def from_bits(self, bits: tf.Tensor) -> tf.Tensor:
        """Turns uint32 bits `[n, dimension]` into latents, float32 `[n, dimension]`."""
        raise NotImplementedError

    def log_prob(self, latents: tf.Tensor) -> tf.Tensor:
        """Log density of latents `[n, dimension]`, float32 `[n]`, nats."""
        raise NotImplementedError

    def project(self, latents: tf.Tensor) -> tf.Tensor:
        """The nearest latents that the prior can give, for any float `[n, dimension]`."""
        raise NotImplementedError

    def draw(self, draws: randomness.Draws) -> tf.Tensor:
        """Latents from a source of bits, float32 `[rows, dimension]`."""
        return self.from_bits(draws.bits([self.dimension]))

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """The latents of `GAN.generate(n, seed=seed)`, float32 `[n, dimension]`."""
        return self.draw(randomness.RowDraws(randomness.row_seeds(seed, n)))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"dimension": self.dimension}

    @classmethod
    def from_config(cls, config: dict) -> Prior:
        """Makes the prior from `get_config`'s dictionary."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dimension})"


@keras.saving.register_keras_serializable("keras_gan")
class Uniform(Prior):
    """Uniform on `(-sqrt 3, sqrt 3)` in each dimension: zero mean, unit variance.

    `log_prob` is with respect to Lebesgue measure, and `-inf` outside the cube.
    """

    HALF_WIDTH = math.sqrt(3.0)

    def from_bits(self, bits: tf.Tensor) -> tf.Tensor:
        """Turns uint32 bits `[n, dimension]` into latents, float32 `[n, dimension]`."""
        return (randomness.uniform(bits) - 0.5) * (2 * self.HALF_WIDTH)

    def project(self, latents: tf.Tensor) -> tf.Tensor:
        """Cuts each number off at the cube's faces."""
        return tf.clip_by_value(latents, -self.HALF_WIDTH, self.HALF_WIDTH)

    def log_prob(self, latents: tf.Tensor) -> tf.Tensor:
        """Log density of latents `[n, dimension]`, float32 `[n]`, nats."""
        inside = tf.reduce_all(tf.abs(latents) <= self.HALF_WIDTH, axis=-1)
        log_density = -self.dimension * math.log(2 * self.HALF_WIDTH)
        return tf.where(inside, log_density, -math.inf)


@keras.saving.register_keras_serializable("keras_gan")
class Normal(Prior):
    """Standard normal. `log_prob` is with respect to Lebesgue measure."""

    def from_bits(self, bits: tf.Tensor) -> tf.Tensor:
        """Turns uint32 bits `[n, dimension]` into latents, float32 `[n, dimension]`."""
        return randomness.normal(bits)

    def project(self, latents: tf.Tensor) -> tf.Tensor:
        """Returns them as they are."""
        return latents

    def log_prob(self, latents: tf.Tensor) -> tf.Tensor:
        """Log density of latents `[n, dimension]`, float32 `[n]`, nats."""
        squares = tf.reduce_sum(tf.square(latents), axis=-1)
        return -0.5 * (squares + self.dimension * math.log(2 * math.pi))


@keras.saving.register_keras_serializable("keras_gan")
class Spherical(Prior):
    """Uniform on the unit sphere.

    `log_prob` is with respect to the surface measure of the sphere (for one dimension: counting
    measure on {-1, 1}); it is `-inf` where the norm differs from 1 by more than 1e-4.
    """

    def from_bits(self, bits: tf.Tensor) -> tf.Tensor:
        """Turns uint32 bits `[n, dimension]` into latents, float32 `[n, dimension]`."""
        return tf.math.l2_normalize(randomness.normal(bits), axis=-1, epsilon=1e-30)

    def project(self, latents: tf.Tensor) -> tf.Tensor:
        """Brings each to the sphere along its ray."""
        return tf.math.l2_normalize(latents, axis=-1, epsilon=1e-30)

    def log_prob(self, latents: tf.Tensor) -> tf.Tensor:
        """Log density of latents `[n, dimension]`, float32 `[n]`, nats."""
        half = self.dimension / 2
        log_area = math.log(2) + half * math.log(math.pi) - math.lgamma(half)
        on_sphere = tf.abs(tf.norm(latents, axis=-1) - 1) <= 1e-4
        return tf.where(on_sphere, -log_area, -math.inf)


NAMES = {"uniform": Uniform, "normal": Normal, "spherical": Spherical}
