"""Means and maxima over all replicas, and work that they share."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator

import numpy as np
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


def global_rows(values: tf.Tensor) -> tf.Tensor:
    """The rows of the global minibatch in its order, the same on every replica, differentiable.

    Args:
        values: float `[n, ...]`, this replica's rows.

    Returns:
        float `[rows of the global minibatch, ...]`.

    Raises:
        InputError: As `global_mean`.
    """
    _refuse_parts("global_rows")
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync > 1:
        values = context.all_gather(values, axis=0)
    return values


def on_shares(
    strategy: tf.distribute.Strategy,
    function: Callable[..., tf.Tensor],
    rows: np.ndarray,
    *arguments: tf.Tensor,
) -> list[tf.Tensor]:
    """Results of a function of rows, each replica of a strategy taking an equal part of them.

    Args:
        strategy: The number of its replicas divides that of the rows.
        function: From rows, and the arguments, to one result for each row.
        rows: `[n, ...]`.
        arguments: Tensors that every replica gets.

    Returns:
        Tensors that are all results, in order, when they are concatenated.
    """
    replicas = strategy.num_replicas_in_sync
    part = len(rows) // replicas

    def share(context: tf.distribute.DistributedValues) -> tf.Tensor:
        first = context.replica_id_in_sync_group * part
        return tf.constant(rows[first : first + part])

    shares = strategy.experimental_distribute_values_from_function(share)
    results = strategy.run(function, args=(shares, *arguments))
    local = strategy.experimental_local_results(results)
    # Replicas of other workers can be reached only by a collective.
    return list(local) if len(local) == replicas else [strategy.gather(results, axis=0)]
