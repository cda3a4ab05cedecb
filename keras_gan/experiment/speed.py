"""How fast a model trains here, for recipes that fit their lengths to a time."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_gan.experiment.recipe import TrainingData
from keras_gan.training.gan import GAN

_STEPS = 8  # timed; a multiple of usual values of `penalty_every`


def seconds_per_step(
    build: Callable[[Any, TrainingData], tuple[GAN, dict[str, Any]]],
    settings: Any,
    data: TrainingData,
) -> float:
    """Seconds of a training step on one device, after the first ones, which are slower.

    Args:
        build: A recipe's function; its model is trained a little and thrown away.
        settings: The recipe's settings.
        data: The training data.
    """
    with settings.policy():
        gan, arguments = build(settings, data)
        gan.compile(**arguments, **settings.compile_arguments_of_all)
    rows = np.arange(_STEPS * settings.examples_per_step)
    rows %= len(data.examples)
    labels = None if gan.label_check is None or data.labels is None else data.labels[rows]

    def fit() -> float:
        began = time.monotonic()
        gan.fit(data.examples[rows], labels, batch_size=settings.batch_size, epochs=1, verbose=0)
        return time.monotonic() - began

    fit()
    return fit() / _STEPS


def bfloat16_is_native() -> bool:
    """Whether this machine multiplies matrices faster in bfloat16 than in float32.

    Where it has no instructions for bfloat16 they are emulated, several times as slowly.
    """
    return _seconds_of_product(tf.bfloat16) < _seconds_of_product(tf.float32)


def _seconds_of_product(dtype: tf.DType) -> float:
    matrix = tf.ones((512, 512), dtype)
    times = timeit.repeat(lambda: tf.linalg.matmul(matrix, matrix).numpy(), number=1, repeat=6)
    return min(times[1:])  # the first one is slower
