"""What happens around `fit`: pictures, likelihood, checkpoints, and stops: numbers, signals."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_gan import plotting
from keras_gan.conditioning import Classes
from keras_gan.core.errors import InputError, Interrupted, TrainingError
from keras_gan.evaluation.likelihood import ParzenSettings
from keras_gan.training import checkpoints

_BANDWIDTHS = ParzenSettings().grid


class StopOnNonFinite(keras.callbacks.Callback):
    """Ends training with `TrainingError` when a loss, or at an epoch's end a weight, is not finite.

    Put it before callbacks that save the model: what they saved last stays good.
    """

    def on_epoch_begin(self, epoch, logs=None):
        """Remembers the epoch for the message."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Looks at the losses."""
        losses = [float(value) for name, value in (logs or {}).items() if name.endswith("_loss")]
        if not all(map(math.isfinite, losses)):
            self._stop(f"a loss became NaN or Inf in step {self.model.nonfinite_step}")

    def on_epoch_end(self, epoch, logs=None):
        """Looks at the weights, which the last update may have broken."""
        if not checkpoints.all_finite(self.model):
            self._stop("a weight became NaN or Inf in its last steps")

    def _stop(self, what: str):
        raise TrainingError(
            f"epoch {self._epoch + 1}: {what} (counted from 0); the last good checkpoint is kept. "
            "Smaller learning rates are the usual cure"
        )


class SampleGrid(keras.callbacks.Callback):
    """Saves a picture of samples from the same latents before training and after each epoch.

    A model conditioned on classes has one row for each.

    Args:
        directory: Where `epoch-0000.png` and so on go.
        denormalize: From G's output to [0, 1] (images) or to the data's scale (points).
        rows: Rows of the grid.
        columns: Columns of the grid.
        seed: Seed of the samples.
        data: For two-dimensional points: data to show behind the samples, `[n, 2]`.
    """

    def __init__(
        self,
        directory: str | Path,
        denormalize: Callable[[np.ndarray], np.ndarray],
        rows: int = 8,
        columns: int = 8,
        seed: int = 0,
        data: np.ndarray | None = None,
    ):
        super().__init__()
        self._directory = Path(directory)
        self._to_unit = denormalize
        self._rows, self._columns = rows, columns
        self._seed = seed
        self._data = data

    def on_train_begin(self, logs=None):
        """Shows what an untrained generator makes."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if int(self.model.step.numpy()) == 0:
            self._draw(0)

    def on_epoch_end(self, epoch, logs=None):
        """Saves the picture of this epoch."""
        self._draw(epoch + 1)

    def _draw(self, epoch: int) -> None:
        path = self._directory / f"epoch-{epoch:04d}.png"
        ema = self.model.ema_generator is not None
        condition = None
        rows = self._rows
        if isinstance(self.model.condition, Classes):
            rows = self.model.condition.count
            condition = np.repeat(np.arange(rows), self._columns)
        n = rows * self._columns if self._data is None else 1000
        samples = self._to_unit(self.model.generate(n, self._seed, condition=condition, ema=ema))
        if self._data is None:
            picture = plotting.captioned(plotting.grid(samples, self._columns), f"epoch {epoch}")
        else:
            picture = plotting.scatter(samples, self._data, title=f"epoch {epoch}")
        plotting.save_image(picture, path)


class ValidationLikelihood(keras.callbacks.Callback):
    """Reports the Parzen log-likelihood of validation data in the paper's protocol (section 5).

    Adds `val_log_likelihood` to the logs, in nats: the mean over the data under a window on
    samples, at the best of the given bandwidths. Where the model keeps EMA weights,
    `val_log_likelihood_ema` is theirs. Epochs between two estimates have NaN.

    Args:
        images: Validation data in [0, 1], `[n, ...]`.
        denormalize: From G's output to [0, 1].
        samples: Samples that the window is fitted to.
        every: Epochs between two estimates.
        bandwidths: Values of sigma to choose from.
        seed: Seed of the samples.
        on_best: Called with "best" or, for EMA weights, "best_ema", the generator whose
            estimate is the best of its kind so far, and the estimate.
        best: The best estimates of earlier sessions, by kind.
    """

    def __init__(
        self,
        images: np.ndarray,
        denormalize: Callable[[np.ndarray], np.ndarray],
        samples: int = 10_000,
        every: int = 1,
        bandwidths: Sequence[float] = _BANDWIDTHS,
        seed: int = 1,
        on_best: Callable[[str, keras.Model, float], None] | None = None,
        best: Mapping[str, float] | None = None,
    ):
        super().__init__()
        self._images = images.reshape(len(images), -1)
        self._to_unit = denormalize
        self._samples = samples
        self._every = every
        self._bandwidths = np.asarray(bandwidths, np.float32)
        self._seed = seed
        self._on_best = on_best
        self.best = dict(best or {})

    def on_epoch_end(self, epoch, logs=None):
        """Adds the estimates to the logs."""
        last = epoch + 1 == self.params.get("epochs")
        due = (epoch + 1) % self._every == 0 or last
        logs = {} if logs is None else logs
        for kind, column, generator in (
            ("best", "val_log_likelihood", self.model.generator),
            ("best_ema", "val_log_likelihood_ema", self.model.ema_generator),
        ):
            if generator is None:
                continue
            logs[column] = math.nan
            if due:
                logs[column] = value = self._estimate(kind == "best_ema")
                if value > self.best.get(kind, -math.inf):
                    self.best[kind] = value
                    if self._on_best:
                        self._on_best(kind, generator, value)

    def _estimate(self, ema: bool) -> float:
        from keras_gan.evaluation.likelihood.parzen import ParzenWindow

        samples = self.model.generate(self._samples, self._seed, ema=ema)
        samples = self._to_unit(samples).reshape(len(samples), -1)
        log_prob = ParzenWindow(samples, self._bandwidths).log_prob(self._images[:, None, :])
        return float(np.mean(log_prob, axis=0).max())


class Checkpoint(keras.callbacks.Callback):
    """Saves all that decides the future after each epoch (see `keras_gan.training.checkpoints`).

    A thread writes while training goes on. The last `keep` and the best checkpoint stay.

    Args:
        directory: Where the checkpoints go.
        facts: Called at each save; what it returns comes back with the state.
        keep: How many of the latest stay.
        monitor: The entry of an epoch's logs that says which checkpoint is the best, or None.
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

    def save(self, score: float | None = None) -> None:
        """Begins to save now, unless a number of the state broke (see `StopOnNonFinite`).

        Raises:
            OSError: The save before this one failed.
        """
        if not checkpoints.all_finite(self.model):
            return
        self._writer.write(checkpoints.snapshot(self.model, self._facts(), score))
        self._saved = time.monotonic()

    def wait(self) -> None:
        """Returns when all is written.

        Raises:
            OSError: It could not be written.
        """
        self._writer.wait()

    def on_train_batch_end(self, batch, logs=None):
        """Saves within long epochs."""
        if time.monotonic() - self._saved > self._seconds and within_epoch(self):
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        """Saves."""
        value = (logs or {}).get(self._monitor) if self._monitor else None
        self.save(None if value is None or math.isnan(value) else self._sign * value)

    def on_train_end(self, logs=None):
        """Waits for the last save."""
        self.wait()


class StopOnRequest(keras.callbacks.Callback):
    """Ends training with `Interrupted` at the next step after it was asked to.

    Put it after `Checkpoint`: an epoch that is complete is saved by it.

    Args:
        requested: Says whether training is to end; the same on all workers.
        checkpoint: Where the state is saved, or None if another worker does that.
    """

    def __init__(self, requested: Callable[[], bool], checkpoint: Checkpoint | None):
        super().__init__()
        self._requested = requested
        self._checkpoint = checkpoint

    def on_train_batch_end(self, batch, logs=None):
        """Saves and ends, but not on the last step of an epoch, whose end is still to come."""
        # What is not finite ends training in another way, at the next step.
        if within_epoch(self) and self._requested() and checkpoints.all_finite(self.model):
            if self._checkpoint is not None:
                self._checkpoint.save()
            self._end()

    def on_epoch_end(self, epoch, logs=None):
        """Ends."""
        if self._requested():
            self._end()

    def _end(self):
        if self._checkpoint is not None:
            self._checkpoint.wait()
        raise Interrupted(
            f"saved after step {int(self.model.step.numpy())}; the same command goes on from there"
        )


def within_epoch(callback: keras.callbacks.Callback) -> bool:
    """Whether steps of the epoch are still to come, where their number is known."""
    steps = callback.params.get("steps")
    return bool(steps) and int(callback.model.step.numpy()) % steps != 0
