"""Minibatches as losses, regularizers and auxiliary networks receive them."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf


class DiscriminatorOutput(NamedTuple):
    """What the discriminator says of one minibatch, as a loss sees it.

    Attributes:
        logits: float32 `[n]`.
        features: Whatever else D returns under "features", or None.
        labels: The labels that came with the data, or None.
        condition: The condition under which D judged, by part; empty without one.
        classes: What else D returns under "classes", float32 `[n, K]`, or None.
        examples: What was judged, float `[n, ...]`.
    """

    logits: tf.Tensor
    features: tf.Tensor | None = None
    labels: tf.Tensor | None = None
    condition: Mapping[str, tf.Tensor] = types.MappingProxyType({})
    classes: tf.Tensor | None = None
    examples: tf.Tensor | None = None
