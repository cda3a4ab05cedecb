"""The Parzen log-likelihood of validation data along training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from keras_gan.callbacks.validation_estimate import ValidationEstimate
from keras_gan.evaluation.likelihood import ParzenSettings
from keras_gan.evaluation.likelihood.estimates import as_floats

_BANDWIDTHS = ParzenSettings().grid


class ValidationLikelihood(ValidationEstimate):
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
        **settings: `seed`, `on_best`, `best` and `prepare` of `ValidationEstimate`.
    """

    column = "val_log_likelihood"

    def __init__(
        self,
        images: np.ndarray,
        denormalize: Callable[[np.ndarray], np.ndarray],
        samples: int = 10_000,
        every: int = 1,
        bandwidths: Sequence[float] = _BANDWIDTHS,
        **settings,
    ):
        super().__init__(denormalize, samples, every, **settings)
        self._images = as_floats("images", images)
        self._bandwidths = np.asarray(bandwidths, np.float32)

    def estimate(self, samples: np.ndarray) -> float:
        """The log-likelihood under a window on samples `[n, ...]`."""
        from keras_gan.evaluation.likelihood.parzen import ParzenWindow  # slow to import

        window = ParzenWindow(samples.reshape(len(samples), -1), self._bandwidths)
        return float(np.mean(window.log_prob(self._images[:, None, :]), axis=0).max())
