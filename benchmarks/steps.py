"""What benchmarks of a step share: a clock, and the count of its floating-point operations."""

from __future__ import annotations

import math
import time

import keras
import numpy as np

# Shapes of the data of the recipes that are measured.
SHAPES = {
    "digits": (8, 8, 1),
    "mnist": (28, 28, 1),
    "tfd": (48, 48, 1),
    "cifar10_mlp": (32, 32, 3),
    "cifar10_conv": (32, 32, 3),
}


def model_of(name: str, examples: np.ndarray, size: int | None = None, **changes):
    """A recipe's model without EMA, the arguments of its `compile`, and its settings."""
    from keras_gan import recipes
    from keras_gan.experiment import TrainingData

    recipe = recipes.get(name)
    settings = recipe.settings(ema_momentum=0.0, **changes)
    return *recipe.build(settings, TrainingData.of(settings, examples, size=size)), settings


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


def products(network: keras.Model) -> list[int]:
    """Multiplications of a forward pass of one example, for each layer that multiplies."""
    found = []
    for layer in network._flatten_layers(include_self=False):
        if isinstance(layer, keras.layers.Dense):
            found.append(math.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Conv2DTranspose):
            found.append(math.prod(layer.kernel.shape) * math.prod(layer.input.shape[1:3]))
        elif isinstance(layer, keras.layers.Conv2D):
            found.append(math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3]))
    return found


def flops_per_step(of_g: list[int], of_d: list[int], m: int, k: int, rule: str) -> float:
    """Floating-point operations of a step's products: two for each multiplication and pass.

    A backward pass costs one product for a layer's weights and one for its inputs, where something
    below wants them: not for z and not for the data.
    """
    g, d = sum(of_g), sum(of_d)
    d_alone = g + 2 * d + 2 * (2 * d - of_d[0])
    backward_to_g = d + 2 * g - of_g[0]
    if rule == "simultaneous":
        per_row = k * d_alone + backward_to_g
    else:
        per_row = k * d_alone + g + d + backward_to_g
    return 2.0 * m * per_row
