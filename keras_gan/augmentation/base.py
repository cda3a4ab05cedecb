"""The base class of augmentations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_gan.augmentation.adaptive import Adaptive
from keras_gan.core.arguments import defines
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError


class Augmentation(keras.layers.Layer):
    """Changes all of D's inputs, real and generated ones alike, in both networks' steps.

    A subclass writes `call(examples)`, differentiable, on float32 examples, and draws its random
    numbers from `keras_gan.randomness.current_draws()`: they then depend on the seed, the step and
    the row of the global minibatch. Weights of the layer, for example a strength that adapts, are
    saved in checkpoints; `update` changes them. An attribute `strength`, a scalar, is in the logs.

    Attributes:
        reads_signs: True if `update` reads the signs of logits. Under a loss that ignores a
            constant added to D's output, they are then measured from the middle between the logits
            of the example and of the sample in its row.
        uses_batch_means: True if `update` needs whole minibatches, as all do that read signs;
            `GAN.compile(accumulate=...)`, which calls it for each part, is then refused.
    """

    reads_signs = False
    uses_batch_means = False

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def update(self, real: DiscriminatorOutput) -> None:
        """Called after each of D's updates on every replica, with D's output for the data."""

    def compute_output_shape(self, input_shape):
        """Returns the shape of the examples: Keras need not call the layer, and draw, for it."""
        return input_shape

    def call(self, examples: tf.Tensor) -> tf.Tensor:
        """Returns the examples as D receives them, `[n, ...]`."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("keras_gan")
class Chain(Augmentation):
    """Augmentations one after the other, as which `compile` takes a list of them.

    Its `strength` is that of the first which has one.

    Args:
        augmentations: At least one.

    Raises:
        InputError: Two have the same `Adaptive` object.
    """

    def __init__(self, augmentations: Sequence[Augmentation], **kwargs):
        super().__init__(**kwargs)
        self.augmentations = list(augmentations)
        probabilities = [getattr(part, "probability", None) for part in self.augmentations]
        adaptive = [id(value) for value in probabilities if isinstance(value, Adaptive)]
        if len(set(adaptive)) < len(adaptive):
            raise InputError(
                "two augmentations have the same Adaptive object, which would count each minibatch "
                f"twice; give each its own. Received: {self.augmentations}"
            )
        self.reads_signs = any(part.reads_signs for part in self.augmentations)
        self.uses_batch_means = any(part.uses_batch_means for part in self.augmentations)

    def build(self, input_shape) -> None:
        """Builds them all."""
        for part in self.augmentations:
            part.build(input_shape)

    @property
    def strength(self) -> Any:
        """The strength that is logged; an `AttributeError` where none has one."""
        strengths = [part for part in self.augmentations if hasattr(part, "strength")]
        if not strengths:
            raise AttributeError("strength")
        return strengths[0].strength

    def update(self, real: DiscriminatorOutput) -> None:
        for part in self.augmentations:
            part.update(real)

    def call(self, examples: tf.Tensor) -> tf.Tensor:
        for part in self.augmentations:
            examples = part(examples)
        return examples

    def get_config(self) -> dict:
        parts = [keras.saving.serialize_keras_object(part) for part in self.augmentations]
        return {**super().get_config(), "augmentations": parts}

    @classmethod
    def from_config(cls, config: dict) -> Chain:
        """Makes the chain from `get_config`'s dictionary."""
        parts = keras.saving.deserialize_keras_object(config["augmentations"])
        return cls(**{**config, "augmentations": parts})


def get(augmentation: Any) -> Augmentation | None:
    """What `compile` was given as an augmentation: None, one, or a list of them.

    Raises:
        InputError: It is something else.
    """
    if augmentation is None:
        return None
    if isinstance(augmentation, keras.Sequential):
        augmentation = augmentation.layers
    parts = augmentation if isinstance(augmentation, list | tuple) else [augmentation]
    for part in parts:
        if not isinstance(part, Augmentation):
            raise InputError(
                "`augmentation` must be a keras_gan.augmentation.Augmentation, or a list of them. "
                f"Received: {part!r}"
            )
        defines(part, Augmentation, "call")
    if isinstance(augmentation, Augmentation):
        return augmentation
    return Chain(parts) if parts else None
