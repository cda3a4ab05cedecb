"""Batch statistics of a generator, recomputed for its present weights."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan import conditioning
from keras_gan.conditioning import Condition
from keras_gan.core.errors import InputError
from keras_gan.core.keras_private import all_layers
from keras_gan.core.randomness import RowDraws, drawing_from, row_seeds
from keras_gan.priors import Prior
from keras_gan.training import sampling


def batch_normalizations(network: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The layers of a network that keep statistics of batches."""
    normalization = keras.layers.BatchNormalization
    return [layer for layer in all_layers(network) if isinstance(layer, normalization)]


def recompute(
    generator: keras.Model,
    prior: Prior,
    condition: Condition | None,
    *,
    batches: int,
    batch_size: int,
    seed: int,
) -> None:
    """Sets the moving means and variances of batch normalization to means over new batches.

    Args:
        generator: G, whose other weights stay as they are.
        prior: The prior of z.
        condition: Where conditions are drawn from, or None.
        batches: Number of batches, at least 1.
        batch_size: Samples of each, as in training.
        seed: Seed of z and of the conditions.

    Raises:
        InputError: G has no batch statistics.
    """
    layers = batch_normalizations(generator)
    if not layers:
        raise InputError(f"{generator.name!r} has no batch normalization, so no statistics")
    momenta, trainable = [layer.momentum for layer in layers], generator.trainable
    generator.trainable = True  # a frozen batch normalization uses its old statistics
    try:
        for index in range(batches):
            for layer in layers:
                layer.momentum = index / (index + 1)  # the mean over all batches so far
            seeds = tf.constant(row_seeds(seed, batch_size, first=index * batch_size))
            draws = RowDraws(seeds)
            latents, tensors = prior.draw(draws), sampling.draw(condition, seeds)
            with drawing_from(draws):
                conditioning.call(generator, latents, tensors, training=True)
    finally:
        generator.trainable = trainable
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
