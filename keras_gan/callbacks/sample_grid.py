"""A picture of samples after each epoch."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_gan import plotting
from keras_gan.callbacks.after_epochs import AfterEpochs
from keras_gan.conditioning import Classes

_POINTS = 1000  # samples in a picture of points
_CLASSES = 30  # rows: a report shows pictures of at most 800 pixels a side, a GIF holds 65,535


class SampleGrid(AfterEpochs):
    """Saves a picture of samples from the same latents before training and after epochs.

    The samples are those of the EMA weights where there are any; the picture says so. A model
    conditioned on classes has one row for each, or for each of the first 30.

    Args:
        directory: Where `epoch-0000.png` and so on go.
        denormalize: From G's output to [0, 1] (images) or to the data's scale (points).
        rows: Rows of the grid.
        columns: Columns of the grid.
        seed: Seed of the samples.
        data: For two-dimensional points: data to show behind the samples, `[n, 2]`.
        seconds: Least time between two pictures; the one after the last epoch is always drawn.
    """

    def __init__(
        self,
        directory: str | Path,
        denormalize: Callable[[np.ndarray], np.ndarray],
        rows: int = 8,
        columns: int = 8,
        seed: int = 0,
        data: np.ndarray | None = None,
        seconds: float = 0.0,
    ):
        super().__init__()
        self._directory = Path(directory)
        self._denormalize = denormalize
        self._rows, self._columns = rows, columns
        self._seed = seed
        self._data = data
        self._seconds = seconds
        self._drawn = -math.inf  # when, on the monotonic clock

    @staticmethod
    def files(directory: str | Path) -> list[Path]:
        """The pictures in a directory, in the order of their epochs."""
        epochs = {}
        for file in Path(directory).glob("epoch-*.png"):
            if number := re.fullmatch(r"epoch-(\d+)", file.stem):
                epochs[file] = int(number[1])
        return sorted(epochs, key=epochs.__getitem__)

    def on_train_begin(self, logs=None):
        self._directory.mkdir(parents=True, exist_ok=True)
        if int(self.model.current_step.numpy()) == 0:
            self._draw(0)

    def is_due(self, epoch):
        return time.monotonic() - self._drawn >= self._seconds

    def look(self, epoch, logs):
        self._draw(epoch + 1)

    def _draw(self, epoch: int) -> None:
        self._drawn = time.monotonic()
        condition, rows = None, self._rows
        if isinstance(self.model.condition, Classes):
            rows = min(self.model.condition.count, _CLASSES)
            condition = np.repeat(np.arange(rows), self._columns)
        n = rows * self._columns if self._data is None else _POINTS
        ema = self.model.ema_generator is not None
        weights = "EMA weights" if ema else ""
        samples = self.model.generate(n, self._seed, condition=condition, ema=ema)
        samples = self._denormalize(samples)
        if self._data is None:
            picture = plotting.grid(samples, self._columns)
            picture = plotting.captioned(picture, f"epoch {epoch}", right=weights)
        else:
            title = f"epoch {epoch}, {weights}" if weights else f"epoch {epoch}"
            picture = plotting.scatter(samples, self._data, title=title)
        plotting.save_image(picture, self._directory / f"epoch-{epoch:04d}.png")
