"""The base class of conditions, and how a network is called under one."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan.conditioning.labels import LabelCheck
from keras_gan.core.batches import ConditionTensors
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import Draws


class Condition:
    """Where the condition of real and generated examples comes from.

    Attributes:
        names: Names of its tensors; a network takes those that its further inputs are named after.
        training_names: Names of what `for_generated` gives in addition, for losses.
        group: Rows of a minibatch that belong together, and so to one replica.
        label_check: What labels must be, if the condition is made from them, or None.
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
        """The condition of a minibatch of data.

        Args:
            examples: The data, float `[n, ...]`.
            labels: What came with them, `[n, ...]`, or None.
            draws: Random bits for what is not in the data.
        """
        raise NotImplementedError

    def for_generated(self, examples: tf.Tensor, labels: Any, draws: Draws) -> ConditionTensors:
        """The condition of the examples generated next to these data in training; as above."""
        return self.for_real(examples, labels, draws)

    def draw(self, draws: Draws) -> ConditionTensors:
        """The condition of generated examples for which the user gives none.

        Raises:
            InputError: The condition has no distribution.
        """
        raise InputError(f"{self!r} has no distribution: give `condition`, one row for each sample")

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """A user's condition of `n` examples as named arrays.

        Raises:
            InputError: It has another shape, type or range.
        """
        raise NotImplementedError

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict) -> Condition:
        """Makes the condition from `get_config`'s dictionary."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


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
    inputs = [first, *(condition[name] for name in names)] if names else first
    return network(inputs, training=training)
