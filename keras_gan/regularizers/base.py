"""The base class of regularizers."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from keras_gan.core.batches import ConditionTensors, DiscriminatorOutput

Discriminate = Callable[[tf.Tensor, ConditionTensors], DiscriminatorOutput]


class Regularizer:
    """A term that D minimizes in addition to its loss. `compile(regularizers=[...])` takes them.

    Attributes:
        name: Its name in the logs.
        input_gradients: Of which outputs ("real", "fake") it reads `input_gradients`. They are
            taken in the same pass as the loss.
    """

    name: str = "regularizer"
    input_gradients: tuple[str, ...] = ()

    def penalty(
        self, discriminate: Discriminate, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> tf.Tensor:
        """Returns the term for each row, float32 `[n]`.

        Args:
            discriminate: D with augmentation, from examples `[n, ...]` before augmentation and
                their condition to a `DiscriminatorOutput`; for further passes.
            real: D's output for the data.
            fake: D's output for generated examples.
        """
        raise NotImplementedError

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Regularizer:
        """Makes the regularizer from `get_config`'s dictionary."""
        return cls(**config)
