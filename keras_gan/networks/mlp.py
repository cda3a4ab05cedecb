"""Fully connected generators and encoders."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.core import arguments
from keras_gan.core.errors import InputError
from keras_gan.layers import channels_last
from keras_gan.networks.initialization import (
    LEAKY_RELU_GAIN,
    LEAKY_SLOPE,
    normal_initializers,
    uniform_initializers,
)

MAX_NORM = 1.9365  # TFD: bound on the norm of each unit's incoming weights


def mlp_generator(
    latent_dim: int,
    shape: Sequence[int],
    *,
    hidden: Sequence[tuple[int, str]],
    output_activation: str,
    irange: float = 0.05,
    output_irange: float | None = None,
    hidden_bias: dict[str, float] | None = None,
    max_norm: float | None = None,
    seed: int = 0,
    name: str = "generator",
) -> keras.Model:
    """A fully connected generator.

    Args:
        latent_dim: Length of `z`.
        shape: Shape of one example, any rank.
        hidden: (units, activation) of each hidden layer, lowest first.
        output_activation: Activation of the output layer.
        irange: Half width of the initial weights' distribution.
        output_irange: The same for the output layer; default `irange`.
        hidden_bias: Initial bias by activation, for hidden layers; default 0.
        max_norm: Bound on the norm of each unit's incoming weights, or None.
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, latent_dim]` to float32 `[n, *shape]`.
    """
    shape, latent_dim = arguments.shape("shape", shape), arguments.whole("latent_dim", latent_dim)
    hidden = list(hidden)
    if not all(isinstance(layer, Sequence) and len(layer) == 2 for layer in hidden):
        raise InputError(
            f"`hidden` must hold a pair (units, activation) for each layer. Received: {hidden!r}"
        )
    uniform = uniform_initializers(seed)
    constraint = keras.constraints.MaxNorm(max_norm) if max_norm else None

    def dense(units: int, activation: str, irange: float, name: str, **kwargs) -> kl.Layer:
        kwargs |= {"kernel_initializer": uniform(irange), "kernel_constraint": constraint}
        return kl.Dense(units, activation, name=name, **kwargs)

    model = keras.Sequential([keras.Input((latent_dim,), name="latents")], name=name)
    for index, (units, activation) in enumerate(hidden):
        bias = keras.initializers.Constant((hidden_bias or {}).get(activation, 0.0))
        units = arguments.whole("hidden", units)
        model.add(dense(units, activation, irange, f"hidden_{index}", bias_initializer=bias))
    last = irange if output_irange is None else output_irange
    model.add(dense(math.prod(shape), output_activation, last, "output", dtype="float32"))
    if len(shape) != 1:
        model.add(kl.Reshape(shape, dtype="float32", name="images"))
    return model


def leaky_mlp(
    input_shape: Sequence[int],
    output_shape: Sequence[int],
    *,
    width: int = 128,
    depth: int = 3,
    seed: int = 0,
    name: str,
) -> keras.Model:
    """A fully connected network of leaky ReLUs, as G or as D, for points.

    Weights are normal with He's variance; the output is linear.

    Args:
        input_shape: Shape of z, or of one example.
        output_shape: Shape of one example, or `(1,)`.
        width: Units of each hidden layer.
        depth: Number of hidden layers.
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, *input_shape]` to float32 `[n, *output_shape]`.
    """
    input_shape = arguments.shape("input_shape", input_shape)
    output_shape = arguments.shape("output_shape", output_shape)
    width, depth = arguments.whole("width", width), arguments.whole("depth", depth, least=0)
    initializer = normal_initializers(seed)
    model = keras.Sequential([keras.Input(input_shape, name="inputs")], name=name)
    model.add(channels_last.Flatten(name="flat"))
    size = math.prod(input_shape)
    for index in range(depth):
        kernels = initializer(LEAKY_RELU_GAIN, size)
        model.add(kl.Dense(width, kernel_initializer=kernels, name=f"hidden_{index}"))
        model.add(kl.LeakyReLU(LEAKY_SLOPE, name=f"relu_{index}"))
        size = width
    kernels = initializer(1.0, size)
    outputs = math.prod(output_shape)
    model.add(kl.Dense(outputs, kernel_initializer=kernels, dtype="float32", name="output"))
    model.add(kl.Reshape(output_shape, dtype="float32", name="outputs"))
    return model


def mlp_encoder(
    shape: Sequence[int],
    outputs: int,
    *,
    hidden: Sequence[int],
    noise: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """A fully connected ReLU network from examples to vectors, for inference.

    Trained on generated examples with noise, it also works for real ones.

    Args:
        shape: Shape of one example, any rank.
        outputs: Length of the output vectors.
        hidden: Units of each hidden layer, lowest first.
        noise: Standard deviation, in training, of the noise on its input.
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, *shape]` to float32 `[n, outputs]`.
    """
    shape, hidden = arguments.shape("shape", shape), arguments.shape("hidden", hidden)
    outputs = arguments.whole("outputs", outputs)
    seeds = itertools.count(arguments.integer("seed", seed))

    def dense(units: int, activation: str | None, name: str, **kwargs) -> keras.layers.Layer:
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
        return kl.Dense(units, activation, kernel_initializer=initializer, name=name, **kwargs)

    return keras.Sequential(
        [
            keras.Input(shape, name="images"),
            channels_last.Flatten(name="flat"),
            layers.GaussianNoise(noise, name="noise"),
            *(dense(units, "relu", f"hidden_{index}") for index, units in enumerate(hidden)),
            dense(outputs, None, "parameters", dtype="float32"),
        ],
        name="encoder",
    )


def stack_generators(lower: keras.Model, upper: keras.Model) -> keras.Model:
    """The generator `upper(lower(z))` (stage 2 of TFD).

    Args:
        lower: From float `[n, d]` to float `[n, e]`; its name differs from that of `upper`.
        upper: From float `[n, e]` to examples; its weights are shared, not copied.

    Returns:
        A model whose two layers are the networks.
    """
    latents = keras.Input(lower.input_shape[1:], name="latents")
    return keras.Sequential([latents, lower, upper], name="generator")
