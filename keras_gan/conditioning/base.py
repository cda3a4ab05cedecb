"""The base class of conditions, checks of labels, and the call of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan.core.batches import ConditionTensors
from keras_gan.core.configured import Configured
from keras_gan.core.errors import InputError, first_line
from keras_gan.core.randomness import Draws


class LabelCheck:
    """Labels that something uses, whatever they are.

    Args:
        user: The name of their user, for messages.
        shape: Shape of one label; None for any.

    Attributes:
        expected: A description of correct labels, for messages.
        kind: NumPy's type that the type of labels must be derived from.
    """

    expected = "labels"
    kind: type = object

    def __init__(self, user: str, shape: Sequence[int] | None = None):
        self.user = user
        self.shape = None if shape is None else tuple(shape)

    def check(self, labels: np.ndarray) -> None:
        """Checks type, shape and range of labels in memory, `[n, *shape]`."""
        self.check_type(labels.dtype, labels.shape)
        valid = np.asarray(self.valid(labels))
        if not valid.all():
            row = int(np.argmin(valid))
            raise InputError(f"{self}. Received: {labels[row]} at row {row} of the labels")

    def check_type(self, dtype: np.dtype, shape: Sequence[int | None]) -> None:
        """Checks what is known of labels before they are read."""
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


class Condition(Configured):
    """Where the condition of real and generated examples comes from.

    Attributes:
        names: Names of its tensors; a network takes those that its further inputs are named after.
        training_names: Names of what `for_generated` gives in addition, for losses.
        group: Rows of a minibatch that belong together, and so to one replica.
        label_check: The check of labels, if the condition is made from them, or None.
    """

    names: tuple[str, ...] = ("condition",)
    training_names: tuple[str, ...] = ()
    group = 1
    label_check: LabelCheck | None = None

    @property
    def uses_labels(self) -> bool:
        """Whether the condition of data is made from their labels."""
        return self.label_check is not None

    def for_real(self, examples: tf.Tensor, labels: Any, draws: Draws) -> ConditionTensors:
        """The condition of data, float `[n, ...]`, with labels `[n, ...]` or None.

        What is not in the data comes from the random bits.
        """
        raise NotImplementedError

    def for_generated(self, examples: tf.Tensor, labels: Any, draws: Draws) -> ConditionTensors:
        """The condition of the examples generated next to these data in training; as above."""
        return self.for_real(examples, labels, draws)

    def draw(self, draws: Draws) -> ConditionTensors:
        """The condition of generated examples for which the user gives none."""
        raise InputError(f"{self!r} has no distribution: give `condition`, one row for each sample")

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """A user's condition of `n` examples as named arrays, or `InputError`."""
        raise InputError(f"to give `condition`, {type(self).__name__} must define `checked`")

    def describe(self) -> dict[str, Any]:
        """Returns the name of its kind, "name", and its arguments, as JSON can hold them."""
        return {"name": type(self).__name__.lower(), **self.get_config()}

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def as_array(given: Any, dtype: Any = None) -> np.ndarray:
    """A condition that a user gave, or a part of one, as an array; else an `InputError`."""
    try:
        return np.asarray(given, dtype)
    except (ValueError, TypeError) as error:  # texts, or rows of several lengths
        raise InputError(f"`condition` must be an array of numbers: {first_line(error)}") from error


def condition_inputs(network: keras.Model) -> dict[str, keras.KerasTensor]:
    """A network's inputs after the first, by name: the tensors of a condition that it takes."""
    inputs = getattr(network, "inputs", None) or ()
    return {tensor.name: tensor for tensor in inputs[1:]}


def call(
    network: keras.Model, first: tf.Tensor, condition: ConditionTensors, training: bool = False
) -> tf.Tensor:
    """The network's output for latents or examples `first` and the tensors that it has inputs for.

    `condition` may hold further tensors; `training` is as in Keras.
    """
    names = condition_inputs(network)
    missing = [name for name in names if name not in condition]
    if missing:
        raise InputError(
            f"{network.name!r} has an input {missing[0]!r}: give it, as `real.condition` or "
            "`fake.condition` to the `discriminate` of a regularizer"
        )
    inputs = [first, *(condition[name] for name in names)] if names else first
    return network(inputs, training=training)
