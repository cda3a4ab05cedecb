"""Codes that samples are made of and that can be read off them again (InfoGAN)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan.conditioning.base import Condition, as_array
from keras_gan.core.arguments import whole
from keras_gan.core.batches import ConditionTensors
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import Draws, uniform


@keras.saving.register_keras_serializable("keras_gan")
class Codes(Condition):
    """A random code for each sample: "condition", float32 `[n, categories + continuous]`.

    The first part is one-hot, all categories alike; the rest is uniform in (-1, 1). The data have
    no codes, so D must not take them; the loss `Info` makes D read them off the samples.

    Args:
        categories: Number of categories, at least 2, or 0 for none.
        continuous: Number of continuous components.
    """

    def __init__(self, categories: int = 0, continuous: int = 0):
        categories = whole("categories", categories, least=0)
        continuous = whole("continuous", continuous, least=0)
        if categories == 1 or categories + continuous == 0:
            raise InputError(
                "codes need `categories` >= 2 (or 0) and `continuous` >= 0, not both 0. "
                f"Received: categories={categories!r}, continuous={continuous!r}"
            )
        self.categories, self.continuous = categories, continuous

    @property
    def size(self) -> int:
        """Numbers in a code."""
        return self.categories + self.continuous

    def for_real(self, examples: tf.Tensor, labels: Any, draws: Draws) -> ConditionTensors:
        return self.draw(draws)

    def draw(self, draws: Draws) -> ConditionTensors:
        """Random codes."""
        parts = []
        if self.categories:
            place = uniform(draws.bits([1]))[:, 0] * self.categories
            parts.append(tf.one_hot(tf.cast(place, tf.int32), self.categories))
        if self.continuous:
            parts.append(2 * uniform(draws.bits([self.continuous])) - 1)
        return {"condition": tf.concat(parts, axis=1)}

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """A code for all, or `[n, size]` codes."""
        codes = as_array(given, np.float32)
        if codes.shape not in ((self.size,), (n, self.size)) or not np.isfinite(codes).all():
            raise InputError(
                f"`condition` must be a finite code of {self.size} numbers, or one for each of "
                f"{n} samples. Received: shape {codes.shape}"
            )
        return {"condition": np.array(np.broadcast_to(codes, (n, self.size)))}
