"""Modes of stacked MNIST: the numbers that three digits on three channels make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError


@dataclass(frozen=True)
class StackedModes:
    """Which of the 1,000 numbers samples show.

    `divergence` is KL(shares || uniform), nats: 0 if all are shown equally often, `log 1000` if
    one is. As many samples of the true distribution have about `500 / n`.
    """

    found: int
    divergence: float
    n: int


def stacked_modes(
    samples: ArrayLike, probabilities: Callable[[np.ndarray], np.ndarray]
) -> StackedModes:
    """Counts the numbers that samples show; one sample is enough for a number to be found.

    The count of Lin et al. 2018 (arXiv:1712.04086), there of 26,000 samples.

    Args:
        samples: float `[n, h, w, 3]`, on the classifier's scale.
        probabilities: A classifier of digits, from `[n, h, w, 1]` to `[n, 10]`, such as
            `Classifier.probabilities`.
    """
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 4 or samples.shape[-1] != 3 or not len(samples):
        raise InputError(f"`samples` must be [n, h, w, 3]. Received: shape {samples.shape}")
    digits = [probabilities(samples[..., i : i + 1]).argmax(axis=1) for i in range(3)]
    numbers = np.bincount(digits[0] * 100 + digits[1] * 10 + digits[2], minlength=1000)
    shares = numbers[numbers > 0] / len(samples)
    divergence = float(np.sum(shares * np.log(1000 * shares)))
    return StackedModes(int(np.count_nonzero(numbers)), divergence, len(samples))
