"""Batch statistics of a generator, recomputed for its present weights."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from keras_gan import conditioning
from keras_gan.conditioning import Condition
from keras_gan.core.arguments import whole
from keras_gan.core.batches import ConditionTensors
from keras_gan.core.errors import InputError
from keras_gan.core.keras_private import all_layers
from keras_gan.core.randomness import RowDraws, drawing_from, row_seeds
from keras_gan.priors import Prior
from keras_gan.training import sampling

_ROWS_STREAM = 1 << 21  # of a row's seed: the number of an example


def batch_normalizations(network: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The layers of a network that keep statistics of batches."""
    normalization = keras.layers.BatchNormalization
    return [layer for layer in all_layers(network) if isinstance(layer, normalization)]


def recompute(
    generator: keras.Model,
    prior: Prior,
    condition: Condition | None,
    x: np.ndarray | None,
    y: np.ndarray | None,
    *,
    batches: int,
    batch_size: int,
    seed: int,
) -> None:
    """Sets the moving means and variances of batch normalization to means over new batches.

    Args:
        generator: G, whose other weights stay as they are.
        prior: The prior of z.
        condition: Where conditions come from, or None.
        x: Examples `[n, ...]`, of which random ones give the conditions; None draws them.
        y: Their labels, or None.
        batches: Number of batches, at least 1.
        batch_size: Samples of each, as in training.
        seed: Seed of z and of the conditions.

    Raises:
        InputError: G has no batch statistics.
    """
    layers = batch_normalizations(generator)
    if not layers:
        raise InputError(f"{generator.name!r} has no batch normalization, so no statistics")
    batches, batch_size = whole("batches", batches), whole("batch_size", batch_size)
    state = generator.variables
    statistics = [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]
    given = [(layer.momentum, layer.trainable) for layer in layers]

    @tf.function(autograph=False)
    def after(values, seeds, tensors):
        """The state after a batch, and the batch's statistics."""
        draws = RowDraws(seeds)
        with keras.StatelessScope(zip(state, values, strict=True)) as scope, drawing_from(draws):
            conditioning.call(generator, prior.draw(draws), tensors, training=True)
        return [[scope.get_current_value(v) for v in of] for of in (state, statistics)]

    try:
        for layer in layers:
            layer.trainable = True  # a frozen one uses its old statistics
            layer.momentum = 0.0  # it keeps those of the last batch alone
        values, totals = [keras.ops.convert_to_tensor(v) for v in state], [0.0] * len(statistics)
        for index in range(batches):
            seeds = tf.constant(row_seeds(seed, batch_size, first=index * batch_size))
            values, of_batch = after(values, seeds, _conditions(condition, x, y, seeds))
            totals = [total + value for total, value in zip(totals, of_batch, strict=True)]
    finally:
        for layer, (momentum, trainable) in zip(layers, given, strict=True):
            layer.momentum, layer.trainable = momentum, trainable
    for variable, total in zip(statistics, totals, strict=True):
        variable.assign(total / batches)


def _conditions(
    condition: Condition | None, x: np.ndarray | None, y: np.ndarray | None, seeds: tf.Tensor
) -> ConditionTensors:
    """Those of samples next to random examples, as in training; drawn without examples."""
    if condition is None or x is None:
        return sampling.draw(condition, seeds)
    draws = RowDraws(seeds, _ROWS_STREAM)
    rows = draws.bits([1])[:, 0].numpy() % len(x)
    labels = None if y is None else tf.constant(y[rows])
    return condition.for_generated(tf.constant(x[rows]), labels, draws)
