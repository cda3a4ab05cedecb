"""Distributions `p_z` of the latent `z`, the generator's random input.

A prior maps random bits to latents: one definition for training, `generate`, exports and clients.
Densities are with respect to Lebesgue measure, unless stated.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from keras_gan.core import randomness
from keras_gan.core.arguments import whole
from keras_gan.core.configured import Configured
from keras_gan.core.errors import InputError


class Prior(Configured):
    """Base of the priors: vectors of `dimension` numbers, drawn independently of each other.

    Args:
        dimension: Length of a latent vector, at least 1.
    """

    def __init__(self, dimension: int):
        self.dimension = whole("dimension", dimension)

    @property
    def words(self) -> int:
        """Number of random 32-bit words for one latent vector."""
        return self.dimension

    def from_bits(self, bits: tf.Tensor) -> tf.Tensor:
        """Maps uint32 bits `[n, words]` to latents, float32 `[n, dimension]`."""
        raise NotImplementedError

    def log_prob(self, latents: tf.Tensor) -> tf.Tensor:
        """Log density of latents `[n, dimension]`, float32 `[n]`, nats, -inf off the support."""
        raise NotImplementedError

    def project(self, latents: tf.Tensor) -> tf.Tensor:
        """The nearest latents in the prior's support, by default `R^dimension`, for any floats."""
        return latents

    def draw(self, draws: randomness.Draws) -> tf.Tensor:
        """Latents from a source of bits, float32 `[rows, dimension]`."""
        return self.from_bits(draws.bits([self.words]))

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """The latents of `GAN.generate(n, seed=seed)`, float32 `[n, dimension]`."""
        return self.draw(randomness.RowDraws(randomness.row_seeds(seed, whole("n", n, least=0))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dimension})"


@keras.saving.register_keras_serializable("keras_gan")
class Uniform(Prior):
    """Uniform on `(-sqrt 3, sqrt 3)` in each dimension: zero mean, unit variance."""

    HALF_WIDTH = math.sqrt(3.0)

    def from_bits(self, bits: tf.Tensor) -> tf.Tensor:
        return (randomness.uniform(bits) - 0.5) * (2 * self.HALF_WIDTH)

    def project(self, latents: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value(latents, -self.HALF_WIDTH, self.HALF_WIDTH)

    def log_prob(self, latents: tf.Tensor) -> tf.Tensor:
        inside = tf.reduce_all(tf.abs(latents) <= self.HALF_WIDTH, axis=-1)
        log_density = -self.dimension * math.log(2 * self.HALF_WIDTH)
        return tf.where(inside, log_density, -math.inf)


@keras.saving.register_keras_serializable("keras_gan")
class Normal(Prior):
    """Standard normal."""

    def from_bits(self, bits: tf.Tensor) -> tf.Tensor:
        return randomness.normal(bits)

    def log_prob(self, latents: tf.Tensor) -> tf.Tensor:
        squares = tf.reduce_sum(tf.square(latents), axis=-1)
        return -0.5 * (squares + self.dimension * math.log(2 * math.pi))


@keras.saving.register_keras_serializable("keras_gan")
class Spherical(Prior):
    """Uniform on the unit sphere.

    `log_prob` is with respect to the surface measure of the sphere (for one dimension: counting
    measure on {-1, 1}); it is `-inf` where the norm differs from 1 by more than 1e-4.
    """

    def from_bits(self, bits: tf.Tensor) -> tf.Tensor:
        return tf.math.l2_normalize(randomness.normal(bits), axis=-1, epsilon=1e-30)

    def project(self, latents: tf.Tensor) -> tf.Tensor:
        # Divided by the largest first, whose square could be 0 or infinite.
        largest = tf.reduce_max(tf.abs(latents), axis=-1, keepdims=True)
        return tf.math.l2_normalize(tf.math.divide_no_nan(latents, largest), axis=-1, epsilon=1e-30)

    def log_prob(self, latents: tf.Tensor) -> tf.Tensor:
        half = self.dimension / 2
        log_area = math.log(2) + half * math.log(math.pi) - math.lgamma(half)
        on_sphere = tf.abs(tf.norm(latents, axis=-1) - 1) <= 1e-4
        return tf.where(on_sphere, -log_area, -math.inf)


@keras.saving.register_keras_serializable("keras_gan")
class Mixture(Prior):
    """An equal mixture of isotropic normals: zero mean and unit variance in each dimension.

    Every normal has variance 1/2 in each dimension. The centers are vertices of the cube
    `{-sqrt(1/2), sqrt(1/2)}^dimension`, in opposite pairs: their mean is exactly 0, and they
    contribute the other half of each dimension's variance. The arguments alone fix the choice of
    vertices (signs from SplitMix64). Dimensions are uncorrelated within a normal, but not over the
    mixture: fewer centers than dimensions cannot cover all directions equally.

    Args:
        dimension: Length of a latent vector, at least 1.
        components: Number of normals, even and at least 2.

    Attributes:
        centers: Their means, float32 `[components, dimension]`; the second half negates the first.
    """

    DEVIATION = math.sqrt(0.5)  # of a normal, and of the centers

    def __init__(self, dimension: int, components: int = 10):
        super().__init__(dimension)
        self.components = whole("components", components, least=2)
        if self.components % 2:
            raise InputError(
                "`components` of a mixture must be even, as its centers come in opposite pairs. "
                f"Received: {components!r}"
            )
        signs = np.where(randomness.row_seeds(0, components // 2 * dimension) < 0, -1, 1)
        half = np.float32(self.DEVIATION) * signs.reshape(-1, dimension)
        self.centers = np.concatenate([half, -half]).astype(np.float32)

    @property
    def words(self) -> int:
        """One word that chooses the normal, then one for each dimension."""
        return self.dimension + 1

    def from_bits(self, bits: tf.Tensor) -> tf.Tensor:
        chosen = tf.bitwise.right_shift(tf.cast(bits[:, 0], tf.uint64) * self.components, 32)
        center = tf.gather(self.centers, tf.cast(chosen, tf.int32))
        return center + self.DEVIATION * randomness.normal(bits[:, 1:])

    def log_prob(self, latents: tf.Tensor) -> tf.Tensor:
        latents = tf.cast(latents, tf.float32)
        squares = tf.math.squared_difference(latents[:, None, :], self.centers)
        log_kernels = -tf.reduce_sum(squares, axis=-1) / (2 * self.DEVIATION**2)
        log_area = self.dimension * math.log(self.DEVIATION * math.sqrt(2 * math.pi))
        constant = math.log(self.components) + log_area
        return tf.reduce_logsumexp(log_kernels, axis=-1) - constant

    def __repr__(self) -> str:
        return f"Mixture({self.dimension}, components={self.components})"


NAMES = {"uniform": Uniform, "normal": Normal, "spherical": Spherical, "mixture": Mixture}
