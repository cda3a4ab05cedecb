"""The Parzen log-likelihood of validation data along training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from keras_gan.evaluation.likelihood import ParzenSettings

_BANDWIDTHS = ParzenSettings().grid


class ValidationLikelihood(keras.callbacks.Callback):
    """Reports the Parzen log-likelihood of validation data in the paper's protocol (section 5).

    Adds `val_log_likelihood` to the logs of the epochs that it measures, in nats: the mean over the
    data under a window on samples, at the best of the given bandwidths. Where the model has EMA
    weights, `val_log_likelihood_ema` is theirs.

    Args:
        images: Validation data in [0, 1], `[n, ...]`.
        denormalize: From G's output to [0, 1].
        samples: Samples that the window is fitted to.
        every: Epochs between two estimates; the last epoch is always measured.
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
        self._denormalize = denormalize
        self._samples = samples
        self._every = every
        self._bandwidths = np.asarray(bandwidths, np.float32)
        self._seed = seed
        self._on_best = on_best
        self.best = dict(best or {})

    def on_epoch_end(self, epoch, logs=None):
        logs = {} if logs is None else logs
        if (epoch + 1) % self._every and epoch + 1 != self.params.get("epochs"):
            return
        for kind, column, generator in (
            ("best", "val_log_likelihood", self.model.generator),
            ("best_ema", "val_log_likelihood_ema", self.model.ema_generator),
        ):
            if generator is None:
                continue
            logs[column] = value = self._estimate(kind == "best_ema")
            if value > self.best.get(kind, -math.inf):
                self.best[kind] = value
                if self._on_best:
                    self._on_best(kind, generator, value)

    def _estimate(self, ema: bool) -> float:
        from keras_gan.evaluation.likelihood.parzen import ParzenWindow  # slow to import

        samples = self.model.generate(self._samples, self._seed, ema=ema)
        samples = self._denormalize(samples).reshape(len(samples), -1)
        log_prob = ParzenWindow(samples, self._bandwidths).log_prob(self._images[:, None, :])
        return float(np.mean(log_prob, axis=0).max())
