"""Networks for inpainting."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.networks.conditional import conditional_discriminator


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
        generator: From float `[n, d + r]` to images `[n, *shape]`; named neither "generator" nor
            "discriminator".
        discriminator: From float `[n, size + h w]`, where `size` is `h w c`, to logits; without
            dropout on its input.
        shape: Shape of an image, `(h, w, c)`.
        input_dropout: Dropout rate on D's images.
        input_noise: Standard deviation, in training, of noise on D's images.

    Returns:
        (generator, discriminator), with further inputs "known", float `[n, h, w, c]` (G), and
        "mask", bool `[n, h, w, 1]` (both).
    """

    def mask_input():
        mask = keras.Input((*shape[:2], 1), name="mask", dtype="bool")
        return mask, layers.Cast(name="cast")(mask)

    latents = keras.Input((generator.input_shape[1] - reader.output_shape[1],), name="latents")
    known = keras.Input(tuple(shape), name="known")
    mask, channel = mask_input()
    encoding = reader(kl.Concatenate(name="known_and_mask")([known, channel]))
    generated = generator(kl.Concatenate(name="joined")([latents, encoding]))
    composed = layers.Compose(name="composed", dtype="float32")(generated, known, mask)
    conditional_generator = keras.Model([latents, known, mask], composed, name="generator")
    mask, channel = mask_input()
    vector = kl.Flatten(name="flat_mask")(channel)
    return conditional_generator, conditional_discriminator(
        discriminator, shape, mask, vector, input_dropout, input_noise
    )


def conv_reader(
    shape: Sequence[int], outputs: int, *, seed: int = 0, name: str = "reader"
) -> keras.Model:
    """Two convolutions of stride 2 and a dense layer, all ReLU, for `with_known_pixels`.

    Args:
        shape: Shape of an image, `(h, w, c)`.
        outputs: Length r of the encoding.
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, h, w, c + 1]` to float `[n, outputs]`.
    """
    seeds = itertools.count(3 * seed)

    def settings(name: str) -> dict:
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
        return {"activation": "relu", "kernel_initializer": initializer, "name": name}

    height, width, channels = shape
    return keras.Sequential(
        [
            keras.Input((height, width, channels + 1), name="known_and_mask"),
            kl.Conv2D(32, 5, strides=2, padding="same", **settings("conv_0")),
            kl.Conv2D(64, 5, strides=2, padding="same", **settings("conv_1")),
            kl.Flatten(name="flat"),
            kl.Dense(outputs, **settings("hidden")),
        ],
        name=name,
    )
