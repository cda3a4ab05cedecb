"""The base class of losses."""

from __future__ import annotations

import tensorflow as tf

from keras_gan.core.batches import DiscriminatorOutput


class Loss:
    """What both networks descend. Subclass, or give any object with these methods.

    Attributes:
        generator_uses_real: True if `generator` uses `real`; D then judges a minibatch of data in
            the generator's step too.
        uses_labels: True if a method uses `labels`, which `fit` then asks for; else data that bring
            labels are met with a warning.
        uses_global_means: True if a method calls `global_mean`; XLA then cannot compile the
            gradients of several replicas.
        reads: What D must return beside "logits", or a condition give in training.
    """

    generator_uses_real = False
    uses_labels = False
    uses_global_means = False
    requires: tuple[str, ...] = ()

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns D's loss for each pair, float `[n]`."""
        raise NotImplementedError

    def generator(self, real: DiscriminatorOutput | None, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns G's loss for each generated example, float `[n]`."""
        raise NotImplementedError

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Loss:
        """Makes the loss from `get_config`'s dictionary."""
        return cls(**config)
