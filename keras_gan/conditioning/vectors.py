"""Conditions on real vectors or images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan.conditioning.base import Condition, LabelCheck, as_array
from keras_gan.core import arguments
from keras_gan.core.batches import ConditionTensors
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import Draws


class VectorShape(LabelCheck):
    """Labels that are finite vectors or images, floats `[n, *shape]`.

    Args:
        shape: Shape of one.
        user: The name of the user of the labels, for messages.
    """

    kind = np.floating

    def __init__(self, shape: Sequence[int], user: str = "the model"):
        super().__init__(user, shape)
        self.expected = f"finite float labels [n, {', '.join(map(str, shape))}]"

    def valid(self, labels: Any) -> Any:
        finite = tf.math.is_finite(tf.cast(labels, tf.float32))
        return tf.reduce_all(finite, axis=list(range(1, len(labels.shape))))


@keras.saving.register_keras_serializable("keras_gan")
class Vectors(Condition):
    """Real vectors or images that came with the data as their labels.

    Args:
        shape: Shape of one.
    """

    def __init__(self, shape: Sequence[int]):
        self.shape = arguments.shape("shape", shape)
        self.label_check = VectorShape(self.shape, user=repr(self))

    def for_real(self, examples: tf.Tensor, labels: Any, draws: Draws) -> ConditionTensors:
        return {"condition": tf.cast(labels, tf.float32)}

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """One value for all, or `[n, *shape]`."""
        values = as_array(given, np.float32)
        if values.shape not in (self.shape, (n, *self.shape)):
            raise InputError(
                f"`condition` must have shape {self.shape} or {(n, *self.shape)}. "
                f"Received: {values.shape}"
            )
        values = np.broadcast_to(values, (n, *self.shape))
        VectorShape(self.shape, user="`condition`").check(values)
        return {"condition": values}

    def get_config(self) -> dict:
        return {"shape": list(self.shape)}
