"""Clipping of gradients that several replicas contribute to."""

from __future__ import annotations

import tensorflow as tf


def clip_over_replicas(optimizer, gradients: list[tf.Tensor | None]) -> list[tf.Tensor | None]:
    """Clips the sum of all replicas' gradients as the optimizer is set to.

    Keras clips each replica's gradients before it sums them, so that two replicas would not equal
    one device. The result is an equal share of the clipped sum, which Keras leaves as it is.

    Args:
        optimizer: A Keras optimizer; `clipnorm`, `clipvalue` and `global_clipnorm` are read.
        gradients: This replica's gradients, times the loss scale.

    Returns:
        Gradients to apply on this replica; the given ones where the optimizer does not clip.
    """
    if not (optimizer.clipnorm or optimizer.clipvalue or optimizer.global_clipnorm):
        return gradients
    context = tf.distribute.get_replica_context()
    known = [g for g in gradients if g is not None]
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, known)
    scale = optimizer.scale_loss(1.0)
    if optimizer.clipnorm:
        total = [tf.clip_by_norm(g, optimizer.clipnorm * scale) for g in total]
    elif optimizer.global_clipnorm:
        total, _ = tf.clip_by_global_norm(total, optimizer.global_clipnorm * scale)
    else:
        limit = optimizer.clipvalue * scale
        total = [tf.clip_by_value(g, -limit, limit) for g in total]
    shares = iter(g / context.num_replicas_in_sync for g in total)
    return [None if g is None else next(shares) for g in gradients]
