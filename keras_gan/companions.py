"""Networks that learn beside the two players from what G makes, with optimizers of their own.

A companion never touches a player: it sees samples through a stopped gradient. It learns while the
players play, or after them (`compile(update="fixed")`).
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from keras_gan.conditions import Parts


class Made(NamedTuple):
    """A minibatch of samples and what they were made from.

    Attributes:
        latents: float32 `[n, d]`.
        examples: float `[n, ...]`, G's output.
        condition: By part; empty without one.
    """

    latents: tf.Tensor
    examples: tf.Tensor
    condition: Parts


class Companion:
    """Base of the companions.

    Args:
        network: The network that learns.

    Attributes:
        name: Its name in metrics ("<name>_loss").
    """

    name: str

    def __init__(self, network: keras.Model):
        self.network = network

    def loss(self, made: Made, training: bool) -> tf.Tensor:
        """What the network descends on a minibatch, float32 `[n]`."""
        raise NotImplementedError

    def get_config(self) -> dict:
        """Returns the constructor's arguments, serialised."""
        return {"network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config: dict) -> Companion:
        """Makes the companion from `get_config`'s dictionary."""
        return cls(keras.saving.deserialize_keras_object(config["network"]))
