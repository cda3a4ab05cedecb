"""Networks that learn beside the two networks from what G makes, with optimizers of their own.

A auxiliary network never touches a network: it sees samples through a stopped gradient. It learns while the
networks play, or after them (`compile(update="fixed")`).
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from keras_gan.conditioning import ConditionTensors


class GeneratedBatch(NamedTuple):
    """A minibatch of samples and what they were made from.

    Attributes:
        latents: float32 `[n, d]`.
        examples: float `[n, ...]`, G's output.
        condition: By part; empty without one.
    """

    latents: tf.Tensor
    examples: tf.Tensor
    condition: ConditionTensors


class AuxiliaryNetwork:
    """Base of the auxiliary networks.

    Args:
        network: The network that learns.

    Attributes:
        name: Its name in metrics ("<name>_loss").
    """

    name: str

    def __init__(self, network: keras.Model):
        self.network = network

    def loss(self, made: GeneratedBatch, training: bool) -> tf.Tensor:
        """What the network descends on a minibatch, float32 `[n]`."""
        raise NotImplementedError

    def get_config(self) -> dict:
        """Returns the constructor's arguments, serialised."""
        return {"network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config: dict) -> AuxiliaryNetwork:
        """Makes the auxiliary network from `get_config`'s dictionary."""
        return cls(keras.saving.deserialize_keras_object(config["network"]))
