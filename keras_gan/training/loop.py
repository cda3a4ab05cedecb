"""How `fit` and `evaluate` call a step: any strategy, several steps a call, XLA or not.

Keras's own function fails with several steps a call on several replicas, with XLA on several
replicas, and when it averages logs over several workers. Here a step returns sums over its
replica's rows; they are added up over all replicas, once, in one place.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from keras_gan.core.errors import InputError


def make_function(model: keras.Model, step: Callable, finish: Callable) -> Callable:
    """Makes the function that Keras calls with its iterator.

    Args:
        model: The model; its strategy, `steps_per_execution`, `jit_compile`, `run_eagerly` and
            `metrics` are used.
        step: From a batch to (sums by name, rows), on one replica.
        finish: Called with the sums and rows of all replicas after each step.

    Returns:
        A function from an iterator to the metrics' present values by name.
    """
    strategy = model.distribute_strategy
    replicas = strategy.num_replicas_in_sync
    steps = model.steps_per_execution
    if model.jit_compile and replicas == 1:
        step = tf.function(step, jit_compile=True, autograph=False)

    @tf.autograph.experimental.do_not_convert
    def run_step(batch) -> None:
        sums, rows = strategy.run(step, args=(batch,))
        if replicas > 1:
            sums, rows = tf.nest.map_structure(
                lambda value: strategy.reduce("SUM", value, axis=None), (sums, rows)
            )
        finish(sums, rows)

    def results() -> dict:
        return {metric.name: metric.result() for metric in model.metrics}

    def run_batch(batch) -> dict:
        run_step(batch)
        return results()

    def run_steps(iterator):
        ran = tf.constant(0)
        for _ in tf.range(steps):
            batch = iterator.get_next_as_optional()
            if not batch.has_value():
                break
            run_step(batch.get_value())
            ran += 1
        return ran, results()

    if not model.run_eagerly:
        run_batch = tf.function(run_batch, reduce_retracing=True)
        run_steps = tf.function(run_steps, reduce_retracing=True)

    def function(iterator):
        if isinstance(iterator, (tf.data.Iterator, tf.distribute.DistributedIterator)):
            ran, logs = run_steps(iterator)
            if not ran:
                raise StopIteration
            return logs
        if replicas > 1:
            raise InputError("`train_on_batch` takes one replica; use `fit` on several")
        return run_batch(next(iterator))

    return function
