"""Shared by the benchmarks of a training step: models, a clock, a count of operations, a table.

Imports nothing of keras_gan at its top, so that other versions can be measured too.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

# Shapes of the data of the recipes that are measured: the paper's, and newer ones.
SHAPES = {
    "digits": (8, 8, 1),
    "mnist": (28, 28, 1),
    "tfd": (48, 48, 1),
    "cifar10_mlp": (32, 32, 3),
    "cifar10_conv": (32, 32, 3),
}
NEWER = {
    "pictures": (32, 32, 3),
    "cifar10_conv_tuned": (32, 32, 3),
    "mnist_r3gan": (28, 28, 1),
}


class Clock(keras.callbacks.Callback):
    """Seconds a step, from the end of the first call into the graph to the end of the last."""

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        if self.first is None:
            self.first = (batch, now)
        self.last = (batch, now)

    def on_train_begin(self, logs=None):
        self.first = None

    @property
    def seconds_per_step(self) -> float:
        return (self.last[1] - self.first[1]) / (self.last[0] - self.first[0])


def seconds_per_step(model: keras.Model, *data, **how) -> float:
    """Trains by `fit` with these arguments; returns the seconds of a step (see `Clock`)."""
    clock = Clock()
    model.fit(*data, callbacks=[clock], verbose=0, **how)
    return clock.seconds_per_step


def random_examples(name: str, n: int) -> np.ndarray:
    """Random pixels in the shape of a recipe's data: the speed does not depend on them."""
    shape = {**SHAPES, **NEWER}[name]
    return np.random.default_rng(0).random((n, *shape), dtype=np.float32)


def model_of_recipe(name: str, x: np.ndarray, **changes) -> tuple[Any, dict[str, Any], Any]:
    """The model of a recipe for these examples, its `compile` arguments and its settings."""
    from keras_gan import recipes
    from keras_gan.experiment import TrainingData

    recipe = recipes.get(name)
    if name == "pictures":  # it would find the length by timing steps
        changes = {"images": 100_000, **changes}
    settings = recipe.settings(**changes)
    settings = settings.resolve(TrainingData.of(settings, x, size=40_000))
    with settings.policy():
        return *recipe.build(settings, TrainingData.of(settings, x)), settings


def products(network: keras.Model) -> list[int]:
    """Multiplications of a forward pass of one example, for each layer that multiplies."""
    from keras_gan.core.keras_private import all_layers

    counts = []
    for layer in all_layers(network):
        if isinstance(layer, keras.layers.Dense):
            counts.append(math.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Conv2DTranspose):
            counts.append(math.prod(layer.kernel.shape) * math.prod(layer.input.shape[1:3]))
        elif isinstance(layer, keras.layers.Conv2D):
            counts.append(math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3]))
    return counts


def _dense_layers(network: keras.Model) -> list[keras.layers.Layer]:
    from keras_gan.core.keras_private import all_layers

    return [layer for layer in all_layers(network) if isinstance(layer, keras.layers.Dense)]


def flops_per_step(
    generator: list[int], discriminator: list[int], m: int, k: int, update: str
) -> float:
    """Floating-point operations of a step's products: two for each multiplication and pass.

    A backward pass costs one product for a layer's weights and one for its inputs, where something
    below needs them: not for z and not for the data.

    Args:
        generator: `products` of G.
        discriminator: `products` of D.
        m: Size of a minibatch.
        k: Updates of D for each of G.
        update: "alternating" or "simultaneous".
    """
    g, d = sum(generator), sum(discriminator)
    d_step = g + 2 * d + 2 * (2 * d - discriminator[0])
    g_backward = d + 2 * g - generator[0]
    g_forward = 0 if update == "simultaneous" else g + d
    return 2.0 * m * (k * d_step + g_forward + g_backward)


def product_shapes(
    generator: keras.Model, discriminator: keras.Model, m: int, update: str
) -> list[tuple[int, int, int]]:
    """(rows, inner, columns) of each product of `flops_per_step`: dense layers, k = 1."""
    g, d = (
        [tuple(layer.kernel.shape) for layer in _dense_layers(network)]
        for network in (generator, discriminator)
    )
    shapes = [(m, i, o) for i, o in g] + [(2 * m, i, o) for i, o in d]
    shapes += [(i, 2 * m, o) for i, o in d] + [(2 * m, o, i) for i, o in d[1:]]
    if update == "alternating":
        shapes += [(m, i, o) for i, o in [*g, *d]]
    shapes += [(m, o, i) for i, o in d]
    return shapes + [(i, m, o) for i, o in g] + [(m, o, i) for i, o in g[1:]]


def own_limit(
    generator: keras.Model, discriminator: keras.Model, m: int, update: str
) -> Callable[[], float]:
    """A function that measures the seconds of the least that a step of dense layers has to do.

    Its products at their shapes, one after the other, and one pass of the optimizers over weights,
    gradients and velocities.
    """
    factors = [
        (tf.random.normal((rows, inner)), tf.random.normal((inner, columns)))
        for rows, inner, columns in product_shapes(generator, discriminator, m, update)
    ]
    parameters = generator.count_params() + discriminator.count_params()
    weights, velocity = (tf.Variable(tf.zeros([parameters])) for _ in range(2))
    gradient = tf.random.normal([parameters])

    @tf.function
    def step():
        before = []
        for a, b in factors:
            with tf.control_dependencies(before):
                before = [tf.linalg.matmul(a, b)]
        with tf.control_dependencies(before):
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=weights.handle, accum=velocity.handle, lr=0.1, grad=gradient, momentum=0.5
            )

    step()
    return lambda: statistics.median(seconds_of(step, 20))


def print_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Shows a table: names on the left, numbers on the right."""
    table = Table(title=title)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def seconds_of(function: Callable[[], Any], n: int) -> list[float]:
    """Seconds of each of n calls."""
    seconds = []
    for _ in range(n):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return seconds
