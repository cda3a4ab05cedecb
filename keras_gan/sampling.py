"""Samples by seed from a generator and its prior: what `GAN.generate`, runs and exports share."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from keras_gan import priors, randomness
from keras_gan.errors import InputError
from keras_gan.randomness import RowDraws


def sampler(generator: keras.Model, prior: priors.Prior) -> Callable:
    """`sample` as a graph, from seeds int64 `[n]` to samples."""
    return tf.function(
        lambda seeds: sample(generator, prior, seeds),
        input_signature=[tf.TensorSpec([None], tf.int64)],
        autograph=False,
    )


def generate(sampler: Callable, n: int, seed: int = 0, batch_size: int = 1000) -> np.ndarray:
    """What `GAN.generate` returns, from a `sampler`."""
    if n < 0:
        raise InputError(f"`n` must be >= 0. Received: n={n}")
    parts = [
        sampler(randomness.row_seeds(seed, min(batch_size, n - first), first)).numpy()
        for first in range(0, n, batch_size)
    ]
    return np.concatenate(parts) if parts else sampler(np.zeros(0, np.int64)).numpy()


def sample(generator: keras.Model, prior: priors.Prior, seeds: tf.Tensor) -> tf.Tensor:
    """Samples whose row `i` depends on `seeds[i]` alone, in a graph or out of one.

    Args:
        generator: The network.
        prior: Its prior.
        seeds: int64 `[n]`, for instance from `keras_gan.randomness.row_seeds`.

    Returns:
        float32 `[n, ...]`, the network's output.
    """
    return transform(generator, prior.draw(RowDraws(seeds)), seeds)


def transform(generator: keras.Model, latents: tf.Tensor, noise_seeds: tf.Tensor) -> tf.Tensor:
    """G's output for latents; noise inside G, if there is any, comes from `noise_seeds`, one a row.

    Args:
        generator: The network.
        latents: float32 `[n, d]`.
        noise_seeds: int64 `[n]`.
    """
    with randomness.drawing_from(RowDraws(noise_seeds, stream=1)):
        return tf.cast(generator(latents, training=False), tf.float32)
