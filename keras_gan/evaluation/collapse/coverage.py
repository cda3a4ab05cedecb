"""Which of the data's classes, regions or modes do samples find, and in what shares?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from keras_gan.core.errors import InputError
from keras_gan.evaluation.arrays import as_rows
from keras_gan.evaluation.gaussians import GaussianMixture


@dataclass(frozen=True)
class Coverage:
    """How the samples divide among the kinds of the data, "classes" or "regions".

    `divergence` is `KL(shares || real_shares)`, nats: 0 at equal shares, `log(kinds / found)` if
    only some are found; infinite if samples are of a kind that the data has not.
    """

    kinds: str
    shares: tuple[float, ...]  # of the samples, by kind
    real_shares: tuple[float, ...]
    divergence: float
    confidence: float | None  # mean probability that the classifier, if any, gives its answer
    real_confidence: float | None
    n: tuple[int, int]  # numbers of samples and of real examples

    def missing(self, share: float, least: float) -> tuple[int, ...]:
        """The kinds with less than `share` of their share, of at least `least` samples expected."""
        pairs = enumerate(zip(self.shares, self.real_shares, strict=True))
        return tuple(
            kind
            for kind, (fake, real) in pairs
            if fake < share * real and real * self.n[0] >= least
        )


def class_coverage(probabilities: ArrayLike, real_probabilities: ArrayLike) -> Coverage:
    """Classes found, by one classifier's answers on both sets, so that its errors cancel."""
    fake = as_rows("probabilities", probabilities)
    real = as_rows("real_probabilities", real_probabilities, columns=fake.shape[1])
    confidence = float(fake.max(axis=1).mean()), float(real.max(axis=1).mean())
    return _coverage(
        "classes", fake.argmax(axis=1), real.argmax(axis=1), fake.shape[1], *confidence
    )


def region_coverage(regions: ArrayLike, real_regions: ArrayLike, count: int) -> Coverage:
    """Regions of the data found, where there are no classes; each is an int in `[0, count)`."""
    return _coverage("regions", np.asarray(regions), np.asarray(real_regions), count)


@dataclass(frozen=True)
class ModesFound:
    """Modes found and quality on a known mixture of Gaussians.

    `spread` is the root mean square distance of the samples on modes from the mode's center, as a
    multiple of what the mixture's own samples have; 0 if each mode is a point or empty.
    """

    shares: tuple[float, ...]  # of all samples, on each mode
    weights: tuple[float, ...]  # of each mode in the mixture
    on_modes: float  # share of the samples on a mode
    spread: float
    n: int  # number of samples

    @property
    def found(self) -> int:
        """Number of modes with at least a tenth of their share."""
        pairs = zip(self.shares, self.weights, strict=True)
        return sum(share >= weight / 10 for share, weight in pairs)


def modes_found(samples: ArrayLike, mixture: GaussianMixture) -> ModesFound:
    """The modes that points `[n, d]` find.

    A point within 3 standard deviations is on its mode; in more than two dimensions, one within as
    many as hold the same part of the mode, 98.9 %.
    """
    samples = as_rows("samples", samples, columns=mixture.dimension)
    mode, deviations = mixture.nearest_mode(samples)
    d = mixture.dimension
    square = max(9.0, float(stats.chi2.ppf(stats.chi2.cdf(9, 2), d)))
    near = deviations**2 <= square
    counts = np.bincount(mode[near], minlength=mixture.modes)
    # Mean square of a d-dimensional standard normal vector that is no longer than that.
    expected = d * stats.chi2.cdf(square, d + 2) / stats.chi2.cdf(square, d)
    spread = np.sqrt(np.mean(deviations[near] ** 2) / expected) if near.any() else 0.0
    return ModesFound(
        shares=_shares(counts, len(samples)),
        weights=tuple(float(weight) for weight in mixture.weights),
        on_modes=float(near.mean()),
        spread=float(spread),
        n=len(samples),
    )


def _coverage(
    kinds: str,
    fake: np.ndarray,
    real: np.ndarray,
    count: int,
    confidence: float | None = None,
    real_confidence: float | None = None,
) -> Coverage:
    if not (fake.size and real.size and max(fake.max(), real.max()) < count):
        raise InputError(f"`{kinds}` must be numbers in [0, {count}), at least one for either set")
    shares = _shares(np.bincount(fake, minlength=count), fake.size)
    real_shares = _shares(np.bincount(real, minlength=count), real.size)
    divergence = float(stats.entropy(shares, real_shares))
    n = (fake.size, real.size)
    return Coverage(kinds, shares, real_shares, divergence, confidence, real_confidence, n)


def _shares(counts: np.ndarray, n: int) -> tuple[float, ...]:
    return tuple(float(count / n) for count in counts)
