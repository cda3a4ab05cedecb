"""What convolutional networks on images of many sizes share: resolutions, classes."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers as kl

from keras_gan.core.errors import InputError
from keras_gan.networks.conditional import class_input


def resolutions(shape: Sequence[int]) -> list[tuple[int, int]]:
    """Sizes from the smallest to that of an image, each twice the one before.

    The shorter side of the smallest is 4, 5, 6 or 7: (28, 28, c) gives 7x7, 14x14, 28x28.

    Args:
        shape: Shape of an image, `(h, w, c)`; both sides are halved equally often, at least once.

    Raises:
        InputError: The sides do not fit.
    """
    height, width = shape[:2] if len(shape) == 3 else (0, 0)
    sizes = [(height, width)]
    while min(height, width) > 7 and height % 2 == width % 2 == 0:
        height, width = height // 2, width // 2
        sizes.insert(0, (height, width))
    if len(sizes) == 1 or min(height, width) > 7:
        raise InputError(
            "`shape` must be (h, w, c) whose shorter side is 4, 5, 6 or 7 times 2, 4, 8, ... "
            "(as 8, 28, 32, 48, 64, 256), and whose longer side is a multiple of that power of 2. "
            f"Received: shape={tuple(shape)}"
        )
    return sizes


def class_embedding(
    classes: int, units: int, initializer: keras.initializers.Initializer, **kwargs
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input "condition", int64 `[n]`, and a trained vector for each class, float `[n, units]`.

    A class out of range has the vector 0. `kwargs` are those of a layer, for example `dtype`.
    """
    condition, one_hot = class_input(classes, **kwargs)
    embedding = kl.Dense(
        units, use_bias=False, kernel_initializer=initializer, name="embedding", **kwargs
    )
    return condition, embedding(one_hot)
