"""The first few hundred steps of a recipe in a few numbers, by which a change of dynamics shows.

`python -m reproduce.record_dynamics` records in `dynamics.json` the band in which they lie.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

from keras_gan import layers, recipes
from keras_gan.data import preprocessing
from keras_gan.experiment import TrainingData

STATISTICS = (
    "d_loss",
    "g_loss",
    "d_real",
    "d_fake",
    "d_real_accuracy",
    "d_fake_accuracy",
)


@dataclasses.dataclass(frozen=True)
class Window:
    """The steps over which statistics are averaged: after step `first`, up to step `last`."""

    first: int
    last: int


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What of a recipe's training is looked at.

    Attributes:
        beginning: Steps in which dropout decides what D makes of samples; seeds differ little.
        later: Steps in which both networks have learned to move; seeds differ more.
        stride: Steps of one call into TensorFlow, and between two looks.
    """

    beginning: Window
    later: Window
    stride: int


PROTOCOLS = {
    "digits": Protocol(Window(112, 168), Window(448, 560), 14),
    "mnist": Protocol(Window(50, 100), Window(300, 400), 25),
}


class _Looks(keras.callbacks.Callback):
    """Notes the means of each stride and ends training after step `last`."""

    def __init__(self, last: int):
        super().__init__()
        self.last = last
        self.rows: list[tuple[int, list[float]]] = []

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.step.numpy())
        self.rows.append((step, [float(logs[name]) for name in STATISTICS]))
        self.model.reset_metrics()
        self.model.stop_training = step >= self.last

    def means(self, window: Window) -> dict[str, float]:
        rows = [row for step, row in self.rows if window.first < step <= window.last]
        return dict(zip(STATISTICS, np.mean(rows, axis=0).tolist(), strict=True))


def without_dropout(discriminator: keras.Model) -> None:
    """Removes a discriminator's dropout: the regression that must be noticed."""
    for layer in discriminator.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0


def play(
    name: str,
    seed: int,
    change: Callable[[keras.Model], None] | None = None,
    windows: tuple[str, ...] = ("beginning", "later"),
) -> dict[str, dict[str, float]]:
    """Trains a recipe up to the end of its last window.

    Args:
        name: A recipe that has a protocol; the data of "mnist" come from `TFDS_DATA_DIR`.
        seed: Seed of everything random.
        change: Called with the discriminator before training.
        windows: Which of the protocol's windows are wanted.

    Returns:
        For each window the means of `STATISTICS`.
    """
    recipe, protocol = recipes.get(name), PROTOCOLS[name]
    settings = recipe.settings(seed=seed, ema_momentum=0.0)
    train = recipe.load_data(settings).train.x
    examples = preprocessing.fit(settings.preprocessing, train).normalize(train)
    gan, arguments = recipe.build(settings, TrainingData.of(settings, examples))
    if change is not None:
        change(gan.discriminator)
    gan.compile(**arguments, steps_per_execution=protocol.stride)
    looks = _Looks(max(getattr(protocol, window).last for window in windows))
    gan.fit(
        examples,
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        callbacks=[looks],
        verbose=0,
    )
    return {window: looks.means(getattr(protocol, window)) for window in windows}
