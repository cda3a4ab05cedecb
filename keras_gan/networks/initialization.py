"""Initial weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np

from keras_gan import layers
from keras_gan.core.arguments import integer
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import RowDraws, derived_seeds, drawing_from, row_seeds

LEAKY_SLOPE = 0.2
LEAKY_RELU_GAIN = math.sqrt(2 / (1 + LEAKY_SLOPE**2))


def uniform_initializers(seed: int) -> Callable[[float], keras.initializers.Initializer]:
    """From a half width to the next initializer, whose seed is derived from the network's."""
    seeds = derived_seeds(seed)
    return lambda irange: keras.initializers.RandomUniform(-irange, irange, seed=next(seeds))


def normal_initializers(seed: int) -> Callable[[float, int], keras.initializers.Initializer]:
    """From a gain and a fan-in to the next initializer, whose seed is derived from the network's.

    Weights are from N(0, gain^2 / fan_in): with gain 1 the variance of the inputs is kept, with
    `LEAKY_RELU_GAIN` that below a leaky ReLU (He et al. 2015).
    """
    seeds = derived_seeds(seed)
    return lambda gain, fan_in: keras.initializers.RandomNormal(
        0.0, gain / math.sqrt(fan_in), seed=next(seeds)
    )


def set_marginal_bias(generator: keras.Model, mean: np.ndarray) -> None:
    """Sets the output bias so that a sigmoid generator starts at the data's pixel means.

    Args:
        generator: A network whose layer "output" is a `Dense` layer.
        mean: Mean of each component over the training data, in [0, 1], `[*shape]`.
    """
    probability = np.clip(np.asarray(mean, np.float64).reshape(-1), 1e-7, 1 - 1e-7)
    generator.get_layer("output").bias.assign(np.log(probability) - np.log1p(-probability))


def normalize_on(network: keras.Model, examples: np.ndarray, *, seed: int = 0) -> None:
    """Initializes weight-normalized layers from data: each unit with mean 0 and variance 1.

    See `layers.WeightNormDense.normalize_on`. The layers' inputs have the noise of training.

    Args:
        network: A built functional or sequential model of examples.
        examples: Some hundred examples, float `[n, ...]`, in the network's range.
        seed: Seed of the noise.
    """
    for layer in network.layers:
        if isinstance(layer, layers.WeightNormDense):
            below = keras.Model(network.inputs[0], layer.input)
            with drawing_from(RowDraws(row_seeds(seed, len(examples)))):
                layer.normalize_on(below(examples, training=True))


def set_sparse_kernel(layer: keras.layers.Dense, nonzeros: int = 100, *, seed: int = 0) -> None:
    """Gives each unit `nonzeros` incoming weights from N(0, 1) at random places, else zeros.

    Args:
        layer: A built `Dense` layer with at least `nonzeros` inputs.
        nonzeros: Number of non-zero weights of each unit.
        seed: Seed of the places and of the weights.
    """
    inputs, units = layer.kernel.shape
    if nonzeros > inputs:
        raise InputError(f"`nonzeros`={nonzeros} must be at most the layer's {inputs} inputs")
    rng = np.random.default_rng(integer("seed", seed) % 2**64)
    kernel = np.zeros((inputs, units), np.float32)
    for unit in range(units):
        kernel[rng.choice(inputs, nonzeros, replace=False), unit] = rng.standard_normal(nonzeros)
    layer.kernel.assign(kernel)
