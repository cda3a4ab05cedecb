"""Networks for data without a recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_gan.core import arguments
from keras_gan.networks.maxout import maxout_discriminator
from keras_gan.networks.mlp import mlp_generator


def for_shape(
    shape: Sequence[int], latent_dim: int, *, bounded: bool, seed: int = 0
) -> tuple[keras.Model, keras.Model]:
    """Networks whose sizes follow from the shape of one example.

    An example has `d` components; the width `w` is 8 sqrt(d), rounded to a multiple of 16, at
    least 128 and at most 1200. The generator has two ReLU layers of `w` units; the discriminator
    has two maxout layers of `max(64, w / 4)` units with 5 pieces and the paper's dropout. Below 16
    components it has no dropout, which would remove whole coordinates.

    Args:
        shape: Shape of one example.
        latent_dim: Length of `z`.
        bounded: Whether the data lie in [0, 1]; the output is then sigmoid, else linear.
        seed: Seed of the initial weights.

    Returns:
        (generator, discriminator).
    """
    shape = arguments.shape("shape", shape)
    size = math.prod(shape)
    width = min(1200, max(128, 16 * round(8 * math.sqrt(size) / 16)))
    activation = "sigmoid" if bounded else "linear"
    generator = mlp_generator(
        latent_dim, shape, hidden=[(width, "relu")] * 2, output_activation=activation, seed=seed
    )
    rates: dict[str, Any] = (
        {"irange": 0.05, "input_dropout": 0.0, "hidden_dropout": 0.0} if size < 16 else {}
    )
    return generator, maxout_discriminator(shape, units=max(64, width // 4), seed=seed + 1, **rates)
