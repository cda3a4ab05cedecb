"""Networks for data without a recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

from keras_gan.networks.maxout import maxout_discriminator
from keras_gan.networks.mlp import mlp_generator


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
