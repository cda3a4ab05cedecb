"""Means and maxima over all replicas."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

import tensorflow as tf

from keras_gan.core.errors import InputError

_in_parts: contextvars.ContextVar[bool] = contextvars.ContextVar("in_parts", default=False)


@contextlib.contextmanager
def in_parts() -> Iterator[None]:
    """Code inside sees only a part of the minibatch, so `global_mean` is refused there."""
    token = _in_parts.set(True)
    try:
        yield
    finally:
        _in_parts.reset(token)


def _refuse_parts(name: str) -> None:
    if _in_parts.get():
        raise InputError(
            f"`{name}` needs the whole minibatch, but `accumulate` divides it in parts; leave out "
            "`accumulate`, or what calls it"
        )


def global_mean(values: tf.Tensor) -> tf.Tensor:
    """The mean over the rows of the global minibatch, the same on every replica, differentiable.

    Args:
        values: float `[n, ...]`, this replica's rows.

    Returns:
        float `[...]`.

    Raises:
        InputError: The minibatch is processed in parts (`GAN.compile(accumulate=...)`).
    """
    _refuse_parts("global_mean")
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

    Raises:
        InputError: As `global_mean`.
    """
    _refuse_parts("global_max")
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync > 1:
        values = context.all_gather(values, axis=0)
    return tf.reduce_max(values)
