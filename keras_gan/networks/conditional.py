"""Networks that see a condition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import keras
from keras import layers as kl

from keras_gan import layers


def with_classes(
    generator: keras.Model,
    discriminator: keras.Model,
    shape: Sequence[int],
    classes: int,
    *,
    input_dropout: float = 0.2,
    input_noise: float = 0.0,
) -> tuple[keras.Model, keras.Model]:
    """Networks that see a class beside latents and examples (Mirza and Osindero 2014).

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
    return made, _conditional_discriminator(
        discriminator, shape, condition, vector, input_dropout, input_noise
    )


def with_known_pixels(
    reader: keras.Model,
    generator: keras.Model,
    discriminator: keras.Model,
    shape: Sequence[int],
    *,
    input_dropout: float = 0.2,
    input_noise: float = 0.0,
) -> tuple[keras.Model, keras.Model]:
    """Networks for completion: G sees the known pixels and which they are, D the whole and which.

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
    return made, _conditional_discriminator(
        discriminator, shape, mask, which, input_dropout, input_noise
    )


def conv_reader(
    shape: Sequence[int], outputs: int, *, seed: int = 0, name: str = "reader"
) -> keras.Model:
    """Two convolutions of stride 2 and a layer above them, rectifiers all, for `with_known_pixels`.

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


def _conditional_discriminator(
    discriminator, shape, condition, vector, dropout, noise
) -> keras.Model:
    """D on examples and a condition's vector behind them."""
    images = keras.Input(tuple(shape), name="images")
    flat = kl.Flatten(name="flat")(images)
    flat = layers.GaussianNoise(noise, name="noise")(flat)
    flat = layers.Dropout(dropout, name="drop_images")(flat)
    joined = kl.Concatenate(name="joined")([flat, vector])
    return keras.Model([images, condition], discriminator(joined), name="discriminator")
