"""How `fit` and `evaluate` call a step: any strategy, several steps in one call, XLA or not.

Keras's own function fails with several steps in a call on several replicas, and when it averages
logs over several workers. Here the means that a step returns are weighted by its rows and added up
over all replicas, once, in one place.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import threading
from collections.abc import Callable, Iterator, Mapping

import keras
import tensorflow as tf

from keras_gan.core import keras_private
from keras_gan.core.errors import InputError
from keras_gan.optimizers.schedules import counting_images
from keras_gan.training.metrics import jensen_shannon_bound

_JOINS_SUMS = "arithmetic_optimization"
_before: list[bool] = []  # the option as it was, once for each call that is under way
_lock = threading.Lock()
# Calls of `train_step` in the present step; None outside of a step.
_calls: contextvars.ContextVar[list[None] | None] = contextvars.ContextVar("calls", default=None)


@contextlib.contextmanager
def one_step() -> Iterator[None]:
    """Inside, `train_step` may be called once."""
    outer = _calls.set([])
    try:
        yield
    finally:
        _calls.reset(outer)


def count_call() -> None:
    """Notes a call of `train_step`, whose random numbers are those of the model's step.

    Raises:
        InputError: No step is made here, or this one has made its call.
    """
    calls = _calls.get()
    if calls is None:
        raise InputError(
            "`train_step` is a part of a step, which `fit` and `train_on_batch` make: it does not "
            "count steps, and would draw the same random numbers again"
        )
    if calls:
        raise InputError(
            "`train_step` was called twice in one step, which would draw the same random numbers "
            "again; for more updates of D use `discriminator_steps`"
        )
    calls.append(None)


@contextlib.contextmanager
def _sums_in_order() -> Iterator[None]:
    """Functions called inside add numbers in the same order whenever they are traced.

    TensorFlow's arithmetic optimizer joins sums, in an order that differs from one trace to the
    next: a resumed run could differ by rounding. Without it a step is not slower.
    """
    with _lock:
        options = tf.config.optimizer.get_experimental_options()
        _before.append(_before[0] if _before else options.get(_JOINS_SUMS, True))
        tf.config.optimizer.set_experimental_options({_JOINS_SUMS: False})
    try:
        yield
    finally:
        with _lock:  # other threads may still be in their steps
            before = _before.pop()
            if not _before:
                tf.config.optimizer.set_experimental_options({_JOINS_SUMS: before})


def make_function(model: keras.Model, step: Callable, finish: Callable) -> Callable:
    """Makes the function that Keras calls with its iterator.

    Args:
        model: The GAN; its strategy, `steps_per_execution`, `jit_compile`, `run_eagerly`,
            `user_metrics`, `running_means` and `images_seen` are used.
        step: From a batch to logs, a dict of scalars, on one replica. A scalar with the name of
            a Keras metric of the model is reported as that metric's result, another one as its
            mean over all steps and replicas.
        finish: Called with the sum of all losses and the number of rows after each step.

    Returns:
        A function from an iterator to the present values by name.
    """
    strategy = model.distribute_strategy
    replicas = strategy.num_replicas_in_sync
    steps = model.steps_per_execution
    name = step.__name__
    if model.jit_compile:
        step = tf.function(step, jit_compile=True, autograph=False)

    reported: set[str] = set()

    def replica_step(batch) -> tf.Tensor:
        with one_step(), counting_images(model.images_seen.value):
            logs = step(batch)
        if not isinstance(logs, Mapping):
            raise InputError(f"`{name}` must return a dict of scalars. Received: {logs!r}")
        of_metrics = {metric.name for metric in model.user_metrics}
        means = {entry: value for entry, value in logs.items() if entry not in of_metrics}
        for entry, value in means.items():
            shape = tf.convert_to_tensor(value).shape
            if shape.rank:
                raise InputError(f"{entry!r} of `{name}` must be a scalar. Received: shape {shape}")
        reported.update(means)
        rows = tf.cast(tf.shape(tf.nest.flatten(batch)[0])[0], tf.float32)
        return model.running_means.sums(means, rows)

    def run_step(batch) -> None:
        # Optimizers read schedules in the cross-replica context, losses in the replicas'.
        with counting_images(model.images_seen.value):
            sums = strategy.run(replica_step, args=(batch,))
        if replicas > 1:
            sums = strategy.reduce("SUM", sums, axis=None)
        model.running_means.add(sums)
        finish(model.running_means.losses(sums), sums[0])

    def results() -> dict:
        logs = {name: model.running_means.mean(name) for name in sorted(reported)}
        if "value" in logs:
            logs["jsd_bound"] = jensen_shannon_bound(logs["value"])
        return {**logs, **{metric.name: metric.result() for metric in model.user_metrics}}

    def run_batch(batch) -> dict:
        run_step(batch)
        return results()

    def run_steps(iterator):
        def run_next(ran, _):
            batch = iterator.get_next_as_optional()

            def run():
                run_step(batch.get_value())
                return ran + 1, True

            return tf.cond(batch.has_value(), run, lambda: (ran, False))

        start = tf.constant(0), tf.constant(True)
        ran, _ = tf.while_loop(lambda ran, more: more & (ran < steps), run_next, start)
        return ran, results()

    if not model.run_eagerly:
        # Of a partial, TensorFlow does not count and report the traces of other models.
        run_batch = tf.function(functools.partial(run_batch), autograph=False)
        run_steps = functools.partial(run_steps)
        run_steps = tf.function(run_steps, reduce_retracing=True, autograph=False)

    def function(iterator):
        with _sums_in_order(), keras_private.freeing_graphs():
            if isinstance(iterator, (tf.data.Iterator, tf.distribute.DistributedIterator)):
                ran, logs = run_steps(iterator)
                if not ran:
                    raise StopIteration
                return logs
            if replicas > 1:
                raise InputError("`train_on_batch` takes one replica; use `fit` on several")
            return run_batch(next(iterator))

    return function
