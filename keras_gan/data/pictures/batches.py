"""Pictures that are brought to the networks' scale batch by batch, mirrored at random."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_gan.core.arguments import whole
from keras_gan.data.preprocessing import UnitRange
from keras_gan.data.shards import in_memory


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Pictures as they are stored, in memory or in a mapped file; `fit` takes it as data.

    An epoch gives every picture equally often, in an order that the seed fixes.

    Args:
        x: Pictures `[n, h, w, c]`, uint8 or float32.
        flip: Whether half of them, others each epoch, are mirrored left to right in training.
        transform: To the networks' scale: from `x`'s type to float32.
        passes: How often an epoch gives each of them.
    """

    x: np.ndarray
    flip: bool = False
    transform: Callable[[Any], Any] = UnitRange().normalize
    passes: int = 1

    def __post_init__(self) -> None:
        """Checks the number of passes."""
        object.__setattr__(self, "passes", whole("passes", self.passes))

    def __len__(self) -> int:
        return self.passes * len(self.x)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one picture."""
        return self.x.shape[1:]

    @property
    def sample(self) -> np.ndarray:
        """The first pictures, as they are stored: at most 10,000 and 64 MiB."""
        return self.x[: in_memory(self.shape)]

    def batch(self, rows: tf.Tensor, mirrored: tf.Tensor | None = None) -> tf.Tensor:
        """Pictures float32 `[m, h, w, c]`, in a `tf.data` graph; nothing else is read.

        Args:
            rows: Their numbers, int `[m]`.
            mirrored: Which of them are mirrored, bool `[m]`.
        """
        if mirrored is None:
            mirrored = tf.zeros_like(rows, tf.bool)
        # A constant of the graph would be a copy of the whole array, and NumPy mirrors ten times
        # as fast as TensorFlow.
        pixels = tf.numpy_function(self._read, [rows, mirrored], self.x.dtype, stateful=False)
        return self.transform(tf.ensure_shape(pixels, [rows.shape[0], *self.shape]))

    def _read(self, rows: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
        pixels = self.x[rows % len(self.x)]
        pixels[mirrored] = pixels[mirrored, :, ::-1]
        return pixels
