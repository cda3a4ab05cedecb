"""What the networks may see besides latents and examples: `p(x | c)` (section 7 of the paper)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan.core import randomness
from keras_gan.core.batches import ConditionTensors
from keras_gan.core.errors import InputError

class Condition:
    """Base of the conditions: where they come from in training and while sampling.

    Attributes:
        names: Names of the parts.
        training_names: Names of what `for_generated` gives besides, for losses.
        uses_labels: True if the condition of data is made from their labels.
        group: Rows of a minibatch that belong together, and so to one replica.
    """

    names: tuple[str, ...] = ("condition",)
    training_names: tuple[str, ...] = ()
    uses_labels = False
    group = 1

    def for_real(
        self, examples: tf.Tensor, labels: Any, draws: randomness.Draws
    ) -> ConditionTensors:
        """The condition under which D judges a minibatch of data.

        Args:
            examples: The data, float `[n, ...]`.
            labels: What came with them, `[n, ...]`, or None.
            draws: Random bits for what is not in the data.
        """
        raise NotImplementedError

    def for_generated(
        self, examples: tf.Tensor, labels: Any, draws: randomness.Draws
    ) -> ConditionTensors:
        """The condition of the samples that stand against these data in training; as above."""
        return self.for_real(examples, labels, draws)

    def draw(self, draws: randomness.Draws) -> ConditionTensors:
        """The condition of samples for which the user gives none.

        Raises:
            InputError: It has no distribution of its own.
        """
        raise InputError(
            f"{self!r} has no distribution to draw from: give `condition`, one row a sample"
        )

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """A user's condition of `n` samples as parts.

        Raises:
            InputError: It has another shape, type or range.
        """
        raise NotImplementedError

    def check_labels(self, labels: Any) -> None:
        """Looks at the labels of data in memory before training.

        Raises:
            InputError: They are none that this condition is made from.
        """

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
    """A network's inputs after the first by name: the parts of a condition that it sees."""
    inputs = getattr(network, "inputs", None) or ()
    return {tensor.name: tensor for tensor in inputs[1:]}


def call(
    network: keras.Model, first: tf.Tensor, parts: ConditionTensors, training: bool = False
) -> tf.Tensor:
    """The network's output for latents or examples under a condition.

    Args:
        network: The network.
        first: Its first input, `[n, ...]`.
        parts: A condition; parts that the network does not see are left out.
        training: As in Keras.
    """
    names = condition_inputs(network)
    inputs = [first, *(parts[name] for name in names)] if names else first
    return network(inputs, training=training)
