"""Minibatches as losses, regularizers and auxiliary networks receive them."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

ConditionTensors = Mapping[str, tf.Tensor]
NO_CONDITION: ConditionTensors = types.MappingProxyType({})


class GeneratedBatch(NamedTuple):
    """A minibatch of generated examples and what they were generated from.

    Attributes:
        latents: float32 `[n, d]`.
        examples: float `[n, ...]`, G's output.
        condition: The condition's tensors by name; empty without one.
        layer_losses: The sum of the losses of G's layers in this pass, a float32 scalar.
    """

    latents: tf.Tensor
    examples: tf.Tensor
    condition: ConditionTensors
    layer_losses: tf.Tensor | float = 0.0


class DiscriminatorOutput(NamedTuple):
    """The discriminator's output for one minibatch. Floats are float32.

    Attributes:
        logits: float32 `[n]`.
        features: D's output "features", or None.
        labels: The labels that came with the data, or None.
        condition: The condition's tensors by name; empty without one.
        classes: D's output "classes", float32 `[n, K]`, or None.
        examples: D's input before augmentation, float32 `[n, ...]`.
        input_gradients: The gradient of each logit with respect to its example, float32 `[n, ...]`,
            where a regularizer asks for it (see `Regularizer.input_gradients`), or None.
        codes: D's output "codes", float32 `[n, ...]`, or None.
        layer_losses: The sum of the losses of D's layers in this pass, a float32 scalar.
        outputs: D's further outputs by name.
    """

    logits: tf.Tensor
    features: tf.Tensor | None = None
    labels: tf.Tensor | None = None
    condition: ConditionTensors = NO_CONDITION
    classes: tf.Tensor | None = None
    examples: tf.Tensor | None = None
    input_gradients: tf.Tensor | None = None
    codes: tf.Tensor | None = None
    layer_losses: tf.Tensor | float = 0.0
    outputs: Mapping[str, tf.Tensor] = NO_CONDITION
