"""A number that is measured on samples along training, and the generator with the best one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import keras
import numpy as np

from keras_gan.callbacks.after_epochs import AfterEpochs
from keras_gan.core.arguments import whole


class ValidationEstimate(AfterEpochs):
    """The base of callbacks that measure samples of a fixed seed every few epochs.

    A subclass has a method `estimate(samples)`, from samples `[n, ...]` after `denormalize` to a
    number, which goes to the logs under the name `column`, or `column` with "_ema" for EMA weights.

    Args:
        denormalize: From G's output to the scale that is measured.
        samples: Samples of an estimate.
        every: Epochs between two estimates; the last epoch is always measured.
        seed: Seed of the samples.
        on_best: Called with "best" or, for EMA weights, "best_ema", the generator whose estimate
            is the best of its kind so far, and the estimate.
        best: The best estimates of earlier sessions, by kind.
        prepare: Called before samples are drawn, for example to recompute batch statistics.
    """

    column = ""
    mode = "max"  # "min" where a smaller number is better, as in `Checkpoint`

    def __init__(
        self,
        denormalize: Callable[[np.ndarray], np.ndarray],
        samples: int,
        every: int = 1,
        seed: int = 1,
        on_best: Callable[[str, keras.Model, float], None] | None = None,
        best: Mapping[str, float] | None = None,
        prepare: Callable[[], None] = lambda: None,
    ):
        super().__init__()
        self._denormalize = denormalize
        self._samples = whole("samples", samples)
        self._every = whole("every", every)
        self._seed = seed
        self._on_best = on_best
        self.best = dict(best or {})
        self._prepare = prepare

    def estimate(self, samples: np.ndarray) -> float:
        """The number for samples `[n, ...]`."""
        raise NotImplementedError

    def columns(self) -> dict[str, str]:
        """The names in the logs of what is measured: weights as trained, "best", and "best_ema"."""
        columns = {"best": self.column}
        if self.model.ema_generator is not None:
            columns["best_ema"] = f"{self.column}_ema"
        return columns

    def look(self, epoch, logs):
        self._prepare()
        sign = 1 if self.mode == "max" else -1
        for kind, column in self.columns().items():
            ema = kind == "best_ema"
            samples = self._denormalize(self.model.generate(self._samples, self._seed, ema=ema))
            value = self.estimate(samples)
            logs[column] = value
            if sign * value > sign * self.best.get(kind, -sign * math.inf):
                self.best[kind] = value
                if self._on_best:
                    generator = self.model.ema_generator if ema else self.model.generator
                    self._on_best(kind, generator, value)
