"""Checkpoints during `fit`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import keras

from keras_gan.core.errors import InputError
from keras_gan.training import checkpoints


class Checkpoint(keras.callbacks.Callback):
    """Saves all that decides the future after each epoch (see `keras_gan.training.checkpoints`).

    A thread writes while training goes on. The last `keep` and the best checkpoint stay.

    Args:
        directory: Where the checkpoints go.
        facts: Called at each save; what it returns comes back with the state.
        keep: How many of the latest stay.
        monitor: The entry of an epoch's logs that says which checkpoint is the best, or None. An
            epoch without the entry is never the best.
        mode: "max" where a larger value is better, "min" where a smaller one is.
        minutes: Save within an epoch too, when so many minutes have passed since the last time.
    """

    def __init__(
        self,
        directory: str | Path,
        facts: Callable[[], dict] = dict,
        keep: int = 2,
        monitor: str | None = None,
        mode: str = "max",
        minutes: float = 10,
    ):
        super().__init__()
        if mode not in ("max", "min"):
            raise InputError(f"`mode` must be 'max' or 'min'. Received: {mode!r}")
        if keep < 1:
            raise InputError(f"`keep` must be >= 1. Received: {keep}")
        self._writer = checkpoints.Writer(directory, keep)
        self._facts = facts
        self._monitor = monitor
        self._sign = 1 if mode == "max" else -1
        self._seconds = 60 * minutes
        self._saved = time.monotonic()
        self._step = -1  # that was saved last

    def save(self, score: float | None = None) -> None:
        """Begins to save now, unless the state has NaN or infinite numbers, or has been saved.

        Raises `OSError` where the save before this one failed.
        """
        step = int(self.model.current_step.numpy())
        if (step == self._step and score is None) or not checkpoints.all_finite(self.model):
            return
        self._step = step
        self._writer.write(checkpoints.snapshot(self.model, self._facts(), score))
        self._saved = time.monotonic()

    def wait(self) -> None:
        """Returns when all is written; raises `OSError` where it could not be."""
        self._writer.wait()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._saved > self._seconds and within_epoch(self):
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        value = (logs or {}).get(self._monitor, math.nan)
        self.save(None if math.isnan(value) else self._sign * value)

    def on_train_end(self, logs=None):
        self.wait()


def within_epoch(callback: keras.callbacks.Callback) -> bool:
    """Whether steps of the epoch are still to come, where their number is known."""
    steps = callback.params.get("steps")
    return bool(steps) and int(callback.model.current_step.numpy()) % steps != 0
