"""Conditional networks."""

from __future__ import annotations

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

    def class_input():
        condition = keras.Input((), name="condition", dtype="int64")
        return condition, layers.OneHot(classes, math.sqrt(classes), name="class")(condition)

    latents = keras.Input((generator.input_shape[1] - classes,), name="latents")
    condition, vector = class_input()
    generated = generator(kl.Concatenate(name="joined")([latents, vector]))
    conditional_generator = keras.Model([latents, condition], generated, name="generator")
    condition, vector = class_input()
    return conditional_generator, conditional_discriminator(
        discriminator, shape, condition, vector, input_dropout, input_noise
    )


def conditional_discriminator(
    discriminator, shape, condition, vector, dropout, noise
) -> keras.Model:
    """D on an example and a condition, an input; `vector` is the condition as float `[n, v]`."""
    images = keras.Input(tuple(shape), name="images")
    flat = kl.Flatten(name="flat")(images)
    flat = layers.GaussianNoise(noise, name="noise")(flat)
    flat = layers.Dropout(dropout, name="drop_images")(flat)
    joined = kl.Concatenate(name="joined")([flat, vector])
    return keras.Model([images, condition], discriminator(joined), name="discriminator")
