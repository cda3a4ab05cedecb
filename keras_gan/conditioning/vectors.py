"""Conditions on real vectors or images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan.conditioning.base import Condition, ConditionTensors
from keras_gan.core import randomness
from keras_gan.core.errors import InputError


@keras.saving.register_keras_serializable("keras_gan")
class Vectors(Condition):
    """Real vectors or images that came with the data as their labels.

    Args:
        shape: Shape of one.
    """

    uses_labels = True

    def __init__(self, shape: Sequence[int]):
        self.shape = tuple(int(size) for size in shape)

    def for_real(
        self, examples: tf.Tensor, labels: Any, draws: randomness.Draws
    ) -> ConditionTensors:
        """Returns the labels."""
        return {"condition": tf.cast(labels, tf.float32)}

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """One value for all, or `[n, *shape]`."""
        values = np.asarray(given, np.float32)
        if values.shape == self.shape:
            values = np.broadcast_to(values, (n, *self.shape))
        if values.shape != (n, *self.shape):
            raise InputError(
                f"`condition` must have shape {self.shape} or {(n, *self.shape)}. "
                f"Received: {values.shape}"
            )
        self._check_finite(values, "`condition`")
        return {"condition": values}

    def check_labels(self, labels: Any) -> None:
        """Labels must be finite, `[n, *shape]`."""
        labels = np.asarray(labels)
        if labels.shape[1:] != self.shape or not np.issubdtype(labels.dtype, np.floating):
            raise InputError(
                f"this condition takes float labels [n, {', '.join(map(str, self.shape))}]. "
                f"Received: {labels.dtype} of shape {labels.shape}"
            )
        self._check_finite(labels, "the labels")

    @staticmethod
    def _check_finite(values: np.ndarray, what: str) -> None:
        if not np.isfinite(values).all():
            raise InputError(f"{what} must be finite; there is NaN or Inf")

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"shape": list(self.shape)}
