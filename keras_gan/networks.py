"""The paper's players (section 5 and the released code), and a rule for data without a recipe.

Each function returns one built network. Weights start uniform in `[-irange, irange]`, biases at 0
unless said. Seeds fix the weights: the same seed gives the same network in any process.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import layers as kl

from keras_gan import layers
from keras_gan.errors import InputError
from keras_gan.randomness import RowDraws, drawing_from, row_seeds

MAX_NORM = 1.9365  # TFD: the norm that no unit's incoming weights may exceed


class _Uniform:
    """Hands out uniform initialisers, each with a seed of its own, under one network's seed."""

    def __init__(self, seed: int):
        self._seed = seed
        self._made = itertools.count()

    def __call__(self, irange: float) -> keras.initializers.Initializer:
        (seed,) = row_seeds(self._seed, 1, first=next(self._made)) >> 33
        return keras.initializers.RandomUniform(-irange, irange, seed=int(seed))


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
        irange: Half width of the initial weights.
        output_irange: The same for the output layer; default `irange`.
        hidden_bias: Initial bias by activation, for hidden layers; default 0.
        max_norm: Bound on the norm of each unit's incoming weights, or None.
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, latent_dim]` to float32 `[n, *shape]`.
    """
    uniform = _Uniform(seed)
    constraint = keras.constraints.MaxNorm(max_norm) if max_norm else None
    model = keras.Sequential([keras.Input((latent_dim,), name="latents")], name=name)
    for index, (units, activation) in enumerate(hidden):
        model.add(
            kl.Dense(
                units,
                activation,
                kernel_initializer=uniform(irange),
                bias_initializer=keras.initializers.Constant(
                    (hidden_bias or {}).get(activation, 0.0)
                ),
                kernel_constraint=constraint,
                name=f"hidden_{index}",
            )
        )
    model.add(
        kl.Dense(
            math.prod(shape),
            output_activation,
            kernel_initializer=uniform(irange if output_irange is None else output_irange),
            kernel_constraint=constraint,
            dtype="float32",
            name="output",
        )
    )
    if len(shape) != 1:
        model.add(kl.Reshape(tuple(shape), dtype="float32", name="images"))
    return model


def maxout_discriminator(
    shape: Sequence[int],
    *,
    units: int,
    pieces: int = 5,
    depth: int = 2,
    irange: float = 0.005,
    max_norm: float | None = None,
    input_dropout: float = 0.2,
    hidden_dropout: float = 0.5,
    input_noise: float = 0.0,
    classes: int = 0,
    seed: int = 0,
    name: str = "discriminator",
) -> keras.Model:
    """A maxout network with dropout on the input of every layer.

    Args:
        shape: Shape of one example, any rank.
        units: Maxout units of each hidden layer.
        pieces: Linear pieces of each unit.
        depth: Number of hidden layers.
        irange: Half width of the initial weights.
        max_norm: Bound on the norm of each piece's incoming weights, or None.
        input_dropout: Rate at the network's input.
        hidden_dropout: Rate at the input of every further layer, the output layer included.
        input_noise: Standard deviation of normal noise at the network's input, on data and samples
            alike, while it learns; an option of the released code.
        classes: Number K of classes that it also names, as `losses.SemiSupervised` wants it.
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, *shape]` to float32 logits `[n, 1]`; with classes to a dict of
        "classes", the scores float32 `[n, K]`, "logits", `logsumexp(classes)` `[n]`, and
        "features", the last hidden layer float `[n, units]`.
    """
    uniform = _Uniform(seed)
    constraint = keras.constraints.MaxNorm(max_norm) if max_norm else None
    model = keras.Sequential([keras.Input(tuple(shape), name="images")], name=name)
    if len(shape) != 1:
        model.add(kl.Flatten(name="flat"))
    if input_noise:
        model.add(layers.GaussianNoise(input_noise, name="noise"))
    dropout = input_dropout, hidden_dropout
    outputs = classes or 1
    _add_maxout_head(model, uniform, [units] * depth, pieces, irange, constraint, *dropout, outputs)
    return _naming_classes(model, f"maxout_{depth - 1}") if classes else model


def _naming_classes(model: keras.Sequential, features: str) -> keras.Model:
    """A discriminator from a classifier and the name of its last hidden layer."""
    says = {
        "logits": layers.LogSumExp(dtype="float32", name="logit")(model.outputs[0]),
        "features": model.get_layer(features).output,
        "classes": model.outputs[0],
    }
    return keras.Model(model.inputs[0], says, name=model.name)


def noisy_discriminator(
    shape: Sequence[int],
    classes: int,
    *,
    hidden: Sequence[int],
    input_noise: float = 0.3,
    hidden_noise: float = 0.5,
    seed: int = 0,
    name: str = "discriminator",
) -> keras.Model:
    """Rectifiers with normal noise on the input of every layer, which also names classes.

    The network of Salimans et al. 2016 for MNIST: weights are normalised, and only those of the
    classes learn their length. Its lengths start at 1; see `normalize_on`.

    Args:
        shape: Shape of one example, any rank.
        classes: Number K of classes.
        hidden: Units of each hidden layer, lowest first.
        input_noise: Standard deviation of the noise on the network's input, while it learns.
        hidden_noise: The same on the input of every further layer, the output layer included.
        seed: Seed of the initial weights, whose directions are normal.
        name: Name of the network.

    Returns:
        As `maxout_discriminator` with classes; "features" is `[n, hidden[-1]]`.
    """
    seeds = itertools.count(seed * (len(hidden) + 1))

    def dense(units: int, activation: str | None, name: str, **kwargs) -> keras.layers.Layer:
        initializer = keras.initializers.RandomNormal(stddev=0.1, seed=next(seeds))
        return layers.WeightNormDense(
            units, activation, kernel_initializer=initializer, name=name, **kwargs
        )

    model = keras.Sequential([keras.Input(tuple(shape), name="images")], name=name)
    model.add(kl.Flatten(name="flat"))
    for index, units in enumerate(hidden):
        noise = hidden_noise if index else input_noise
        model.add(layers.GaussianNoise(noise, name=f"noise_{index}"))
        model.add(dense(units, "relu", f"hidden_{index}", train_scale=False))
    model.add(layers.GaussianNoise(hidden_noise, name="noise_output"))
    model.add(dense(classes, None, "classes", dtype="float32"))
    return _naming_classes(model, f"hidden_{len(hidden) - 1}")


def _add_maxout_head(
    model, uniform, units, pieces, irange, constraint, first_dropout, hidden_dropout, outputs=1
) -> None:
    for index, width in enumerate(units):
        model.add(layers.Dropout(hidden_dropout if index else first_dropout, name=f"drop_{index}"))
        model.add(
            kl.Dense(
                width * pieces,
                kernel_initializer=uniform(irange),
                kernel_constraint=constraint,
                name=f"pieces_{index}",
            )
        )
        model.add(layers.Maxout(pieces, name=f"maxout_{index}"))
    model.add(layers.Dropout(hidden_dropout, name="drop_output"))
    model.add(
        kl.Dense(
            outputs,
            kernel_initializer=uniform(irange),
            kernel_constraint=constraint,
            dtype="float32",
            name="logit" if outputs == 1 else "classes",
        )
    )


def mlp_encoder(
    shape: Sequence[int],
    outputs: int,
    *,
    hidden: Sequence[int],
    noise: float = 0.0,
    seed: int = 0,
    name: str = "encoder",
) -> keras.Model:
    """A fully connected network from examples to numbers, with rectifiers, for inference.

    Noise on its inputs while it learns makes it fit for real examples, which lie beside G's.

    Args:
        shape: Shape of one example, any rank.
        outputs: Numbers given for each.
        hidden: Units of each hidden layer, lowest first.
        noise: Standard deviation of that noise.
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, *shape]` to float32 `[n, outputs]`.
    """
    seeds = itertools.count(seed)

    def dense(units: int, activation: str | None, name: str, **kwargs) -> keras.layers.Layer:
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
        return kl.Dense(units, activation, kernel_initializer=initializer, name=name, **kwargs)

    return keras.Sequential(
        [
            keras.Input(tuple(shape), name="images"),
            kl.Flatten(name="flat"),
            layers.GaussianNoise(noise, name="noise"),
            *(dense(units, "relu", f"hidden_{index}") for index, units in enumerate(hidden)),
            dense(outputs, None, "parameters", dtype="float32"),
        ],
        name=name,
    )


def cifar10_conv_generator(
    latent_dim: int = 100,
    *,
    output_irange: float = 0.05,
    seed: int = 0,
    name: str = "generator",
) -> keras.Model:
    """8000 rectifiers, 8000 sigmoids as 10x10x80 maps, transposed convolution, untied bias.

    Args:
        latent_dim: Length of `z`.
        output_irange: Half width of the initial weights of the transposed convolution.
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, latent_dim]` to float32 `[n, 32, 32, 3]`, linear.
    """
    uniform = _Uniform(seed)
    return keras.Sequential(
        [
            keras.Input((latent_dim,), name="latents"),
            kl.Dense(8000, "relu", kernel_initializer=uniform(0.05), name="hidden_0"),
            kl.Dense(8000, "sigmoid", kernel_initializer=uniform(0.05), name="hidden_1"),
            kl.Reshape((10, 10, 80), name="maps"),
            kl.Conv2DTranspose(
                3,
                5,
                strides=3,
                use_bias=False,
                kernel_initializer=uniform(output_irange),
                dtype="float32",
                name="output",
            ),
            layers.UntiedBias(dtype="float32", name="images"),
        ],
        name=name,
    )


def cifar10_conv_discriminator(
    *, input_noise: float = 0.0, seed: int = 0, name: str = "discriminator"
) -> keras.Model:
    """Three maxout convolutions with overlapping pooling, 500 maxout units, dropout everywhere.

    Feature maps: 32x32x3, 33x33 pooled to 16x16x32, 15x15 to 7x7x32, 9x9 to 5x5x192 (4800
    features).

    Args:
        input_noise: Standard deviation of normal noise at the network's input while it learns.
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, 32, 32, 3]` to float32 logits `[n, 1]`.
    """
    uniform = _Uniform(seed)
    model = keras.Sequential([keras.Input((32, 32, 3), name="images")], name=name)
    if input_noise:
        model.add(layers.GaussianNoise(input_noise, name="noise"))
    convolutions = [(32, 8, 4, 4), (32, 8, 3, 4), (192, 5, 3, 2)]  # channels, kernel, padding, pool
    for index, (channels, kernel, padding, pool) in enumerate(convolutions):
        model.add(layers.Dropout(0.5 if index else 0.2, name=f"drop_conv_{index}"))
        model.add(kl.ZeroPadding2D(padding, name=f"pad_{index}"))
        model.add(
            kl.Conv2D(channels * 2, kernel, kernel_initializer=uniform(0.005), name=f"conv_{index}")
        )
        model.add(layers.Maxout(2, name=f"maxout_conv_{index}"))
        model.add(layers.PartialMaxPooling2D(pool, 2, name=f"pool_{index}"))
    model.add(kl.Flatten(name="flat"))
    _add_maxout_head(model, uniform, [500], 5, 0.005, None, 0.5, 0.5)
    return model


def on_classes(
    generator: keras.Model,
    discriminator: keras.Model,
    shape: Sequence[int],
    classes: int,
    *,
    input_dropout: float = 0.2,
    input_noise: float = 0.0,
) -> tuple[keras.Model, keras.Model]:
    """Players that see a class beside latents and examples (Mirza and Osindero 2014).

    The class joins the latents, and the flattened example, as a one-hot vector.

    Args:
        generator: From float `[n, d + classes]` to examples `[n, *shape]`; named neither
            "generator" nor "discriminator".
        discriminator: From float `[n, size + classes]`, size being the numbers in an example, to
            logits; without dropout at its input.
        shape: Shape of one example.
        classes: Number of classes.
        input_dropout: Rate of dropout on the example as D sees it.
        input_noise: Standard deviation of noise on it.

    Returns:
        (generator, discriminator), each with a further input "condition", int64 `[n]`.
    """

    def see_class():
        condition = keras.Input((), name="condition", dtype="int64")
        return condition, layers.OneHot(classes, math.sqrt(classes), name="class")(condition)

    latents = keras.Input((generator.input_shape[1] - classes,), name="latents")
    condition, vector = see_class()
    joined = kl.Concatenate(name="joined")([latents, vector])
    made = keras.Model([latents, condition], generator(joined), name="generator")
    condition, vector = see_class()
    return made, _judging(discriminator, shape, condition, vector, input_dropout, input_noise)


def on_known(
    reader: keras.Model,
    generator: keras.Model,
    discriminator: keras.Model,
    shape: Sequence[int],
    *,
    input_dropout: float = 0.2,
    input_noise: float = 0.0,
) -> tuple[keras.Model, keras.Model]:
    """Players for completion: G sees the known pixels and which they are, D the whole and which.

    Args:
        reader: G's lower part, from the known pixels and, as a last channel, which they are, float
            `[n, h, w, c + 1]`, to numbers `[n, r]`.
        generator: From float `[n, d + r]` to images `[n, *shape]`; named neither "generator" nor
            "discriminator".
        discriminator: From float `[n, size + h w]`, size being the numbers in an image, to logits;
            without dropout at its input.
        shape: Shape of an image, `(h, w, c)`.
        input_dropout: Rate of dropout on the image as D sees it.
        input_noise: Standard deviation of noise on it.

    Returns:
        (generator, discriminator), with further inputs "known", float `[n, h, w, c]` (G), and
        "mask", bool `[n, h, w, 1]` (both).
    """

    def see_mask():
        mask = keras.Input((*shape[:2], 1), name="mask", dtype="bool")
        return mask, layers.Cast(name="cast")(mask)

    latents = keras.Input((generator.input_shape[1] - reader.output_shape[1],), name="latents")
    known = keras.Input(tuple(shape), name="known")
    mask, which = see_mask()
    read = reader(kl.Concatenate(name="seen")([known, which]))
    painted = generator(kl.Concatenate(name="joined")([latents, read]))
    composed = layers.Compose(name="composed", dtype="float32")(painted, known, mask)
    made = keras.Model([latents, known, mask], composed, name="generator")
    mask, which = see_mask()
    which = kl.Flatten(name="flat_mask")(which)
    return made, _judging(discriminator, shape, mask, which, input_dropout, input_noise)


def conv_reader(
    shape: Sequence[int], outputs: int, *, seed: int = 0, name: str = "reader"
) -> keras.Model:
    """Two convolutions of stride 2 and a layer above them, rectifiers all, for `on_known`.

    Args:
        shape: Shape of an image, `(h, w, c)`.
        outputs: Numbers given for each.
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, h, w, c + 1]` to float `[n, outputs]`.
    """
    seeds = itertools.count(3 * seed)

    def settings(name: str) -> dict:
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
        return {"activation": "relu", "kernel_initializer": initializer, "name": name}

    *sides, channels = shape
    return keras.Sequential(
        [
            keras.Input((*sides, channels + 1), name="seen"),
            kl.Conv2D(32, 5, strides=2, padding="same", **settings("conv_0")),
            kl.Conv2D(64, 5, strides=2, padding="same", **settings("conv_1")),
            kl.Flatten(name="flat"),
            kl.Dense(outputs, **settings("hidden")),
        ],
        name=name,
    )


def _judging(discriminator, shape, condition, vector, dropout, noise) -> keras.Model:
    """D on examples and a condition's vector behind them."""
    images = keras.Input(tuple(shape), name="images")
    flat = kl.Flatten(name="flat")(images)
    flat = layers.GaussianNoise(noise, name="noise")(flat)
    flat = layers.Dropout(dropout, name="drop_images")(flat)
    joined = kl.Concatenate(name="joined")([flat, vector])
    return keras.Model([images, condition], discriminator(joined), name="discriminator")


def set_marginal_bias(generator: keras.Model, mean: np.ndarray) -> None:
    """Sets the output bias so that a sigmoid generator starts at the data's pixel means.

    Args:
        generator: A network whose layer "output" is a `Dense` layer.
        mean: Mean of each component over the training data, in [0, 1], `[*shape]`.
    """
    probability = np.clip(np.asarray(mean, np.float64).reshape(-1), 1e-7, 1 - 1e-7)
    generator.get_layer("output").bias.assign(np.log(probability) - np.log1p(-probability))


def normalize_on(network: keras.Model, examples: np.ndarray, *, seed: int = 0) -> None:
    """Starts weight-normalised layers from data: each unit with mean 0 and variance 1.

    See `layers.WeightNormDense.normalize_on`. What a layer sees has the noise of training.

    Args:
        network: A built functional or sequential model from examples.
        examples: Some hundred examples, float `[n, ...]`, on the network's scale.
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
    rng = np.random.default_rng(int(seed) % 2**64)
    kernel = np.zeros((inputs, units), np.float32)
    for unit in range(units):
        kernel[rng.choice(inputs, nonzeros, replace=False), unit] = rng.standard_normal(nonzeros)
    layer.kernel.assign(kernel)


def stack_generators(
    lower: keras.Model, upper: keras.Model, name: str = "generator"
) -> keras.Model:
    """The generator `upper(lower(z))` (TFD, stage 2).

    Args:
        lower: From float `[n, d]` to float `[n, e]`; of another name than `upper`.
        upper: From float `[n, e]` to examples; its weights are shared, not copied.
        name: Name of the network.

    Returns:
        A model whose two layers are the networks.
    """
    latents = keras.Input(lower.input_shape[1:], name="latents")
    return keras.Sequential([latents, lower, upper], name=name)


def for_shape(
    shape: Sequence[int], latent_dim: int, *, bounded: bool, seed: int = 0
) -> tuple[keras.Model, keras.Model]:
    """Networks for data without a recipe, by rule from the shape of one example.

    With `d` numbers in an example and width `w` = 8 sqrt(d) rounded to a multiple of 16, at least
    128 and at most 1200: the generator has two rectifier layers of `w`; the discriminator two
    maxout layers of `max(64, w / 4)` units with 5 pieces and, as in the paper, dropout. For fewer
    than 16 numbers the discriminator has no dropout, which would drop whole coordinates.

    Args:
        shape: Shape of one example.
        latent_dim: Length of `z`.
        bounded: True if the data lie in [0, 1] (a sigmoid output); else the output is linear.
        seed: Seed of the initial weights.

    Returns:
        (generator, discriminator).
    """
    size = math.prod(shape)
    width = min(1200, max(128, 16 * round(8 * math.sqrt(size) / 16)))
    generator = mlp_generator(
        latent_dim,
        shape,
        hidden=[(width, "relu")] * 2,
        output_activation="sigmoid" if bounded else "linear",
        seed=seed,
    )
    points = size < 16
    discriminator = maxout_discriminator(
        shape,
        units=max(64, width // 4),
        irange=0.05 if points else 0.005,
        input_dropout=0.0 if points else 0.2,
        hidden_dropout=0.0 if points else 0.5,
        seed=seed + 1,
    )
    return generator, discriminator
