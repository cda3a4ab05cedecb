"""Conditional networks: of classes, and of known pixels (inpainting)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.core import arguments
from keras_gan.core.arguments import whole
from keras_gan.core.errors import InputError, first_line
from keras_gan.layers import channels_last


def class_input(
    classes: int, value: float = 1.0, **kwargs
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input "condition", int64 `[n]`, and its one-hot vectors, float `[n, classes]`.

    Args:
        classes: Number of classes.
        value: The non-zero component.
        **kwargs: Arguments of the `OneHot` layer, for example `dtype`.

    Raises:
        InputError: There are not two classes or more.
    """
    classes = whole("classes", classes, least=2)
    condition = keras.Input((), name="condition", dtype="int64")
    return condition, layers.OneHot(classes, value, name="class", **kwargs)(condition)


def with_classes(
    generator: keras.Model,
    discriminator: keras.Model,
    shape: Sequence[int],
    classes: int,
    *,
    input_dropout: float = 0.2,
    input_noise: float = 0.0,
) -> tuple[keras.Model, keras.Model]:
    """Class-conditional networks (Mirza and Osindero 2014).

    The class is concatenated, as a one-hot vector, with the latents and with the flat example.

    Args:
        generator: From float `[n, d + classes]` to examples `[n, *shape]`; named neither
            "generator" nor "discriminator".
        discriminator: From float `[n, size + classes]`, where `size` is the product of `shape`, to
            logits; without dropout on its input.
        shape: Shape of one example.
        classes: Number of classes.
        input_dropout: Dropout rate on D's examples.
        input_noise: Standard deviation, in training, of noise on D's examples.

    Returns:
        (generator, discriminator), each with a further input "condition", int64 `[n]`.
    """
    shape = arguments.shape("shape", shape)
    classes = whole("classes", classes, least=2)
    latents = keras.Input((generator.input_shape[1] - classes,), name="latents")
    condition, vector = class_input(classes, math.sqrt(classes))
    generated = generator(kl.Concatenate(name="joined")([latents, vector]))
    conditional_generator = keras.Model([latents, condition], generated, name="generator")
    condition, vector = class_input(classes, math.sqrt(classes))
    return conditional_generator, _conditional_discriminator(
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
    """Networks for inpainting: G is given the known pixels and the mask, D an image and the mask.

    Args:
        reader: Encoder of the known pixels with the mask as their last channel, from float
            `[n, h, w, c + 1]` to float `[n, r]`.
        generator: As for `with_classes`, from float `[n, d + r]`.
        discriminator: As for `with_classes`, from float `[n, size + h w]`.
        shape: Shape of an image, `(h, w, c)`.
        input_dropout: Dropout rate on D's images.
        input_noise: Standard deviation, in training, of noise on D's images.

    Returns:
        (generator, discriminator), with further inputs "known", float `[n, h, w, c]` (G), and
        "mask", bool `[n, h, w, 1]` (both).
    """
    shape = arguments.image_shape("shape", shape)

    def mask_input():
        mask = keras.Input((*shape[:2], 1), name="mask", dtype="bool")
        return mask, layers.Cast(name="cast")(mask)

    latents = keras.Input((generator.input_shape[1] - reader.output_shape[1],), name="latents")
    known = keras.Input(shape, name="known")
    mask, channel = mask_input()
    encoding = reader(kl.Concatenate(name="known_and_mask")([known, channel]))
    generated = generator(kl.Concatenate(name="joined")([latents, encoding]))
    composed = layers.Compose(name="composed")(generated, known, mask)
    conditional_generator = keras.Model([latents, known, mask], composed, name="generator")
    mask, channel = mask_input()
    vector = channels_last.Flatten(name="flat_mask")(channel)
    return conditional_generator, _conditional_discriminator(
        discriminator, shape, mask, vector, input_dropout, input_noise
    )


def _conditional_discriminator(
    discriminator: keras.Model,
    shape: Sequence[int],
    condition: keras.KerasTensor,
    vector: keras.KerasTensor,
    dropout: float,
    noise: float,
) -> keras.Model:
    """A discriminator of examples and an input `condition`, which `vector` `[n, v]` stands for."""
    images = keras.Input(shape, name="images")
    flat = channels_last.Flatten(name="flat")(images)
    flat = layers.GaussianNoise(noise, name="noise")(flat)
    flat = layers.Dropout(dropout, name="drop_images")(flat)
    joined = kl.Concatenate(name="joined")([flat, vector])
    try:
        logits = discriminator(joined)
    except ValueError as error:
        raise InputError(
            "`discriminator` must take flat examples joined to their condition, float "
            f"[n, {joined.shape[1]}]: {first_line(error)}"
        ) from error
    return keras.Model([images, condition], logits, name="discriminator")


def conv_reader(shape: Sequence[int], outputs: int, *, seed: int = 0) -> keras.Model:
    """Two convolutions of stride 2 and a dense layer, all ReLU, for `with_known_pixels`.

    Args:
        shape: Shape of an image, `(h, w, c)`.
        outputs: Length r of the encoding.
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, h, w, c + 1]` to float `[n, outputs]`.
    """
    height, width, channels = arguments.image_shape("shape", shape)
    outputs = whole("outputs", outputs)
    seeds = itertools.count(3 * arguments.integer("seed", seed))

    def settings(name: str) -> dict:
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
        return {"activation": "relu", "kernel_initializer": initializer, "name": name}

    return keras.Sequential(
        [
            keras.Input((height, width, channels + 1), name="known_and_mask"),
            channels_last.Conv2D(32, 5, strides=2, padding="same", **settings("conv_0")),
            channels_last.Conv2D(64, 5, strides=2, padding="same", **settings("conv_1")),
            channels_last.Flatten(name="flat"),
            kl.Dense(outputs, **settings("hidden")),
        ],
        name="reader",
    )
