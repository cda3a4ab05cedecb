"""Means and maxima over all replicas."""

from __future__ import annotations

import tensorflow as tf


def global_mean(values: tf.Tensor) -> tf.Tensor:
    """The mean over the rows of the global minibatch, the same on every replica, differentiable.

    Args:
        values: float `[n, ...]`, this replica's rows.

    Returns:
        float `[...]`.
    """
    total = tf.reduce_sum(values, axis=0), tf.cast(tf.shape(values)[0], values.dtype)
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync > 1:
        # Sums, for in `evaluate` replicas may have different numbers of rows.
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, total)
    return total[0] / total[1]


def global_max(values: tf.Tensor) -> tf.Tensor:
    """The largest of the global minibatch's values, the same on every replica, differentiable.

    Args:
        values: float `[n]`, this replica's rows.

    Returns:
        A float scalar.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync > 1:
        values = context.all_gather(values, axis=0)
    return tf.reduce_max(values)
