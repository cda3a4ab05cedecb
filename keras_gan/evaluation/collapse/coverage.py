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
    """How the samples divide among the kinds of the data.

    Attributes:
        kinds: What a kind is: "classes" or "regions".
        shares: Share of the samples in each kind.
        real_shares: Share of the data in each kind.
        divergence: `KL(shares || real_shares)`, nats: 0 at equal shares, `log(kinds / found)` if
            only some are found; infinite if samples are of a kind that the data has not.
        confidence: Mean probability that the classifier gives to its answer on samples; None
            without a classifier.
        real_confidence: The same on real examples.
        n: Numbers of samples and of real examples.
    """

    kinds: str
    shares: tuple[float, ...]
    real_shares: tuple[float, ...]
    divergence: float
    confidence: float | None
    real_confidence: float | None
    n: tuple[int, int]

    def missing(self, share: float = 0.1, least: float = 10) -> tuple[int, ...]:
        """The kinds that have less than a tenth of their share.

        Args:
            share: What "a tenth" is.
            least: Kinds of which fewer samples are expected are left out.
        """
        pairs = enumerate(zip(self.shares, self.real_shares, strict=True))
        return tuple(
            kind
            for kind, (fake, real) in pairs
            if fake < share * real and real * self.n[0] >= least
        )


def class_coverage(probabilities: ArrayLike, real_probabilities: ArrayLike) -> Coverage:
    """Classes found, by one classifier's answers on both sets, so that its errors cancel.

    Args:
        probabilities: Class probabilities of generated examples, `[n, classes]`.
        real_probabilities: Class probabilities of real examples, `[m, classes]`.

    Returns:
        The coverage of the classes, with the classifier's confidence.
    """
    fake = as_rows("probabilities", probabilities)
    real = as_rows("real_probabilities", real_probabilities, columns=fake.shape[1])
    confidence = float(fake.max(axis=1).mean()), float(real.max(axis=1).mean())
    return _coverage(
        "classes", fake.argmax(axis=1), real.argmax(axis=1), fake.shape[1], *confidence
    )


def region_coverage(regions: ArrayLike, real_regions: ArrayLike, count: int) -> Coverage:
    """Regions of the data found, where there are no classes.

    Args:
        regions: Region of each generated example, int `[n]`, in `[0, count)`.
        real_regions: Region of each real example, int `[m]`.
        count: Number of regions.

    Returns:
        The coverage of the regions.
    """
    return _coverage("regions", np.asarray(regions), np.asarray(real_regions), count)


@dataclass(frozen=True)
class ModesFound:
    """Modes found and quality on a known mixture of Gaussians.

    Attributes:
        shares: Share of all samples that lies on each mode.
        weights: Share that each mode has in the mixture.
        on_modes: Share of the samples within 3 standard deviations of a mode (its quality).
        spread: Root mean square distance from the mode's center of the samples on modes, as a
            multiple of what the mixture's own samples have; 0 if each mode has shrunk to a point
            or is empty.
        n: Number of samples.
    """

    shares: tuple[float, ...]
    weights: tuple[float, ...]
    on_modes: float
    spread: float
    n: int

    @property
    def found(self) -> int:
        """Number of modes with at least a tenth of their share."""
        pairs = zip(self.shares, self.weights, strict=True)
        return sum(share >= weight / 10 for share, weight in pairs)


def modes_found(samples: ArrayLike, mixture: GaussianMixture) -> ModesFound:
    """Counts the modes that samples find. A sample within 3 standard deviations is of its mode.

    Args:
        samples: Points `[n, d]`.
        mixture: The target.

    Returns:
        Shares of the modes and quality.
    """
    samples = as_rows("samples", samples, columns=mixture.dimension)
    mode, deviations = mixture.nearest_mode(samples)
    near = deviations <= 3
    counts = np.bincount(mode[near], minlength=mixture.modes)
    d = mixture.dimension
    # Mean square of a d-dimensional standard normal vector that is no longer than 3.
    expected = d * stats.chi2.cdf(9, d + 2) / stats.chi2.cdf(9, d)
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
