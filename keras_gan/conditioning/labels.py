"""What labels must be for a condition or a loss that uses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_gan.core.errors import InputError


class LabelCheck:
    """Labels that something uses, whatever they are.

    Args:
        user: What uses them, for messages.
        shape: Shape of one label; None for any.
    """

    expected = "labels"
    kind: type = object

    def __init__(self, user: str, shape: Sequence[int] | None = None):
        self.user = user
        self.shape = None if shape is None else tuple(shape)

    def check(self, labels: np.ndarray) -> None:
        """Checks labels in memory, `[n, *shape]`.

        Raises:
            InputError: Their type or shape is another, or one is out of range.
        """
        self.check_type(labels.dtype, labels.shape)
        valid = np.asarray(self.valid(labels))
        if not valid.all():
            row = int(np.argmin(valid))
            raise InputError(f"{self}. Received: {labels[row]} at row {row} of the labels")

    def check_type(self, dtype: np.dtype, shape: Sequence[int | None]) -> None:
        """Checks what is known of labels before they are read.

        Raises:
            InputError: Their type or shape is another.
        """
        one_label = tf.TensorShape(shape)[1:]
        columns = [self.shape, (1,)] if self.shape == () else [self.shape]
        fits = self.shape is None or any(one_label.is_compatible_with(c) for c in columns)
        if not (fits and issubclass(dtype.type, self.kind)):
            raise InputError(f"{self}. Received: labels of {dtype} and shape {tuple(shape)}")

    def squeeze(self, labels: Any) -> Any:
        """Labels `[n, 1]` as `[n]`, where one label is a single number."""
        one_column = self.shape == () and len(labels.shape) == 2 and labels.shape[1] == 1
        return labels[:, 0] if one_column else labels

    def valid(self, labels: Any) -> Any:
        """Which labels are in range, bool `[n]`; for tensors also in a graph."""
        return tf.ones(tf.shape(labels)[:1], tf.bool)

    def __str__(self) -> str:
        return f"{self.user} takes {self.expected}"


class ClassRange(LabelCheck):
    """Labels that are classes, integers `[n]` or `[n, 1]`.

    Args:
        count: Number of classes; the largest label is `count - 1`.
        least: The smallest label; -1 where classes may be unknown.
        user: What uses the labels, for messages.
    """

    kind = np.integer

    def __init__(self, count: int, least: int = 0, user: str = "the model"):
        super().__init__(user, ())
        self.count, self.least = count, least
        unknown = " (-1: unknown)" if least == -1 else ""
        self.expected = f"labels [n], integer classes from {least} to {count - 1}{unknown}"

    def valid(self, labels: Any) -> Any:
        labels = tf.cast(labels, tf.int64)
        return (labels >= self.least) & (labels < self.count)


class VectorShape(LabelCheck):
    """Labels that are finite vectors or images, floats `[n, *shape]`.

    Args:
        shape: Shape of one.
        user: What uses the labels, for messages.
    """

    kind = np.floating

    def __init__(self, shape: Sequence[int], user: str = "the model"):
        super().__init__(user, shape)
        self.expected = f"finite float labels [n, {', '.join(map(str, shape))}]"

    def valid(self, labels: Any) -> Any:
        finite = tf.math.is_finite(tf.cast(labels, tf.float32))
        return tf.reduce_all(finite, axis=list(range(1, len(labels.shape))))
