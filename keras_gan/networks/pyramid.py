"""Shared by convolutional networks on images of many sizes: resolutions, classes."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers as kl

from keras_gan.core import arguments
from keras_gan.core.errors import InputError
from keras_gan.layers import channels_last
from keras_gan.networks.conditional import class_input


def resolutions(shape: Sequence[int]) -> list[tuple[int, int]]:
    """Sizes from the smallest to that of an image, each about half of the next.

    Both sides are halved, and rounded up, until the shorter one is 4, 5, 6 or 7: (28, 28, c) gives
    7x7, 14x14, 28x28, and (30, 50, c) gives 4x7, 8x13, 15x25, 30x50.

    Args:
        shape: Shape of an image, `(h, w, c)`, both sides at least 8.

    Raises:
        InputError: The sides do not fit.
    """
    shape = arguments.shape("shape", shape)
    height, width = shape[:2] if len(shape) == 3 else (0, 0)
    if min(height, width) < 8:
        raise InputError(
            f"`shape` must be (h, w, c) with h and w at least 8. Received: shape={shape!r}"
        )
    sizes = [(height, width)]
    while min(height, width) > 7:
        height, width = -(-height // 2), -(-width // 2)
        sizes.insert(0, (height, width))
    return sizes


def cropped(x: keras.KerasTensor, size: tuple[int, int], name: str) -> keras.KerasTensor:
    """Maps `[n, h, w, c]` after upsampling, without what rounding up added to h and w."""
    surplus = x.shape[1] - size[0], x.shape[2] - size[1]
    if surplus == (0, 0):
        return x
    crop = tuple((0, side) for side in surplus)
    return channels_last.Cropping2D(crop, dtype=x.dtype, name=name)(x)  # images stay float32


def class_embedding(
    classes: int, units: int, initializer: keras.initializers.Initializer | str, **kwargs
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input "condition", int64 `[n]`, and a trained vector for each class, float `[n, units]`.

    A class out of range has the vector 0. `kwargs` are those of a layer, for example `dtype`.
    """
    condition, one_hot = class_input(classes, **kwargs)
    embedding = kl.Dense(
        units, use_bias=False, kernel_initializer=initializer, name="embedding", **kwargs
    )
    return condition, embedding(one_hot)
