"""Samples by seed from a generator and its prior, for `GAN.generate`, runs and exports."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan import conditioning, priors
from keras_gan.conditioning import NO_CONDITION, Condition, ConditionTensors
from keras_gan.core import randomness
from keras_gan.core.arguments import weight, whole
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import RowDraws

_NOISE_STREAM = 1  # of a row's seed; the latents have stream 0
_CONDITION_STREAM = 1 << 20


class Sampler:
    """A generator as a function of a number and a seed; row `i` depends on (seed, i) alone.

    Args:
        generator: The network.
        prior: Its prior.
        condition: Its condition, or None.
        scale: From the scale of the network, float32 `[n, ...]`, to that of the samples.
    """

    def __init__(
        self,
        generator: keras.Model,
        prior: priors.Prior,
        condition: Condition | None = None,
        scale: Callable[[np.ndarray], np.ndarray] = np.asarray,
    ):
        self._condition = condition
        self._scale = scale
        tensors = {
            name: tf.TensorSpec(tensor.shape, tensor.dtype, name)
            for name, tensor in conditioning.condition_inputs(generator).items()
        }
        self._graph = tf.function(
            functools.partial(sample, generator, prior),
            input_signature=[tf.TensorSpec([None], tf.int64), tensors],
            autograph=False,
        )
        self._specs = tensors

    def __call__(
        self, n: int, seed: int = 0, condition: Any = None, batch_size: int = 1000
    ) -> np.ndarray:
        """`n` samples, float32 `[n, ...]`.

        Args:
            n: Number of samples.
            seed: Any int.
            condition: Their condition, one row each or one for all; drawn if None.
            batch_size: Samples made at a time.

        Raises:
            InputError: `n` is negative, or the condition cannot be used.
        """
        return np.concatenate(list(self.batches(n, seed, condition, batch_size)))

    def batches(
        self, n: int, seed: int = 0, condition: Any = None, batch_size: int = 1000
    ) -> Iterator[np.ndarray]:
        """The same samples in batches, so that not all need to be in memory."""
        n, batch_size = whole("n", n, least=0), whole("batch_size", batch_size)
        if condition is not None and self._condition is None:
            raise InputError("this model is not conditional: leave out `condition`")
        given = None
        if self._condition is not None and condition is not None:
            given = self._condition.checked(condition, n)
        starts = range(0, n, batch_size) or [0]
        return (self._rows(seed, i, min(batch_size, n - i), given) for i in starts)

    def _rows(self, seed: int, first: int, n: int, given) -> np.ndarray:
        seeds = tf.constant(randomness.row_seeds(seed, n, first))
        if given is None:
            tensors = draw(self._condition, seeds)
        else:
            tensors = {name: rows[first : first + n] for name, rows in given.items()}
        # As training gives them to a network whose inputs have another type, or one more dimension.
        fitting = {
            name: tf.cast(tf.reshape(tensors[name], [n, *spec.shape[1:]]), spec.dtype)
            for name, spec in self._specs.items()
        }
        return self._scale(self._graph(seeds, fitting).numpy())


def truncated(generator: keras.Model, prior: priors.Prior, factor: float) -> keras.Model:
    """A generator that first multiplies latents by a factor, at least 0; with 1 the same object."""
    if weight("truncation", factor) == 1:
        return generator
    latents = keras.Input((prior.dimension,), name="latents")
    condition = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in conditioning.condition_inputs(generator).items()
    }
    scaled = keras.layers.Rescaling(float(factor), dtype="float32", name="truncation")(latents)
    inputs = [latents, *condition.values()] if condition else latents
    outputs = conditioning.call(generator, scaled, condition)
    return keras.Model(inputs, outputs, name=generator.name)


def with_truncation(name: str, factor: float = 1.0) -> str:
    """The name of samples, and what their latents were multiplied by unless that is 1."""
    return name if factor == 1 else f"{name}, truncation {factor:g}"


def draw(condition: Condition | None, seeds: tf.Tensor) -> ConditionTensors:
    """The condition of samples by seed, where none is given; empty without a condition."""
    return {} if condition is None else condition.draw(RowDraws(seeds, _CONDITION_STREAM))


def sample(
    generator: keras.Model,
    prior: priors.Prior,
    seeds: tf.Tensor,
    condition: ConditionTensors = NO_CONDITION,
) -> tf.Tensor:
    """Samples whose row `i` depends on `seeds[i]` alone, in a graph or out of one.

    Args:
        generator: The network.
        prior: Its prior.
        seeds: int64 `[n]`, for instance from `keras_gan.core.randomness.row_seeds`.
        condition: Its condition, `[n, ...]` each.

    Returns:
        float32 `[n, ...]`, the network's output.
    """
    return transform(generator, prior.draw(RowDraws(seeds)), seeds, condition)


def transform(
    generator: keras.Model,
    latents: tf.Tensor,
    noise_seeds: tf.Tensor,
    condition: ConditionTensors = NO_CONDITION,
) -> tf.Tensor:
    """G's output for latents; noise inside G, if there is any, comes from `noise_seeds`, one a row.

    Args:
        generator: The network.
        latents: float32 `[n, d]`.
        noise_seeds: int64 `[n]`.
        condition: Its condition, `[n, ...]` each.
    """
    with randomness.drawing_from(RowDraws(noise_seeds, _NOISE_STREAM)):
        return tf.cast(conditioning.call(generator, latents, condition), tf.float32)
