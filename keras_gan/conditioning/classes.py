"""Conditions on classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan.conditioning.base import Condition, LabelCheck, as_array
from keras_gan.core.arguments import whole
from keras_gan.core.batches import ConditionTensors
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import Draws, uniform


class ClassRange(LabelCheck):
    """Labels that are classes, integers `[n]` or `[n, 1]`.

    Args:
        count: Number of classes; the largest label is `count - 1`.
        least: The smallest label; -1 where classes may be unknown.
        user: The name of the user of the labels, for messages.
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


@keras.saving.register_keras_serializable("keras_gan")
class Classes(Condition):
    """A class for each example: "condition", int64 `[n]`, from the labels of the data.

    Args:
        count: Number of classes; labels are 0 to `count - 1`.
        probabilities: How often each is drawn for samples whose class is not given, `[count]`; None
            draws all alike (balanced).
        training: Which classes samples have in training: "data", those of the real examples in the
            same minibatch, which are as frequent as in the data (Mirza and Osindero 2014), or
            "drawn", after `probabilities`.
        class_names: What the classes are called, `count` different texts, or None. Samples can be
            asked for by name; saved models and exports have the names.
    """

    def __init__(
        self,
        count: int,
        probabilities: Sequence[float] | None = None,
        training: str = "data",
        class_names: Sequence[str] | None = None,
    ):
        count = whole("count", count, least=2)
        if training not in ("data", "drawn"):
            raise InputError(f"`training` must be 'data' or 'drawn'. Received: {training!r}")
        if probabilities is not None:
            try:
                given = [float(p) for p in probabilities]
            except (TypeError, ValueError):
                given = []
            good = len(given) == count and min(given) >= 0
            if not (good and abs(sum(given) - 1) <= 1e-6):  # NaN is refused, too
                raise InputError(
                    f"`probabilities` must be {count} numbers >= 0 with the sum 1. "
                    f"Received: {probabilities}"
                )
            probabilities = given
        if class_names is not None:
            names = [] if isinstance(class_names, str) else list(class_names)
            if not (all(isinstance(n, str) and n for n in names) and len({*names}) == count):
                raise InputError(
                    f"`class_names` must be {count} different texts. Received: {class_names!r}"
                )
            class_names = names
        self.count, self.probabilities, self.training = count, probabilities, training
        self.class_names = class_names
        self.label_check = ClassRange(count, user=f"Classes({count})")

    def for_real(self, examples: tf.Tensor, labels: Any, draws: Draws) -> ConditionTensors:
        return {"condition": tf.cast(labels, tf.int64)}

    def for_generated(self, examples: tf.Tensor, labels: Any, draws: Draws) -> ConditionTensors:
        """The labels of the data, or classes drawn."""
        if self.training == "data":
            return self.for_real(examples, labels, draws)
        return self.draw(draws)

    def draw(self, draws: Draws) -> ConditionTensors:
        """Classes after `probabilities`."""
        shares = self.probabilities or [1 / self.count] * self.count
        bounds = tf.constant(np.cumsum(shares)[:-1], tf.float32)
        below = uniform(draws.bits([1])) >= bounds
        return {"condition": tf.reduce_sum(tf.cast(below, tf.int64), axis=1)}

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """A class for all, or `[n]` classes, by number or by name."""
        labels = ClassRange(self.count, user="`condition`")
        classes = labels.squeeze(as_array(self.numbers(given)))
        if classes.ndim == 0:
            classes = np.full(n, classes)
        if classes.shape != (n,):
            raise InputError(
                f"`condition` must be one class, or one for each of {n} samples. "
                f"Received: shape {classes.shape}"
            )
        labels.check(classes)
        return {"condition": classes.astype(np.int64)}

    def numbers(self, given: Any) -> Any:
        """Classes by number, of those given by number or by name.

        Args:
            given: A number or a name, or a list or an array of them.

        Raises:
            InputError: No class has such a name.
        """
        if isinstance(given, str):
            names = self.class_names or []
            if given in names:
                return names.index(given)
            expected = f"an integer from 0 to {self.count - 1}"
            if names:
                more = ", ..." if len(names) > 20 else ""
                expected = f"{', '.join(names[:20])}{more}, or {expected}"
            raise InputError(f"`condition` must be {expected}. Received: {given!r}")
        if isinstance(given, list | tuple | np.ndarray) and as_array(given).dtype.kind in "UO":
            return [self.numbers(one) for one in given]
        return given
