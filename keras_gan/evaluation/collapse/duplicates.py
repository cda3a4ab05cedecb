"""Identical samples, and how different samples are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import pairwise_distances

from keras_gan.core.errors import InputError
from keras_gan.evaluation.arrays import as_rows

_COMPARED = 2000


@dataclass(frozen=True)
class Identical:
    """Shares of examples that another of their set repeats exactly."""

    samples: float
    real: float  # of as many real examples, or of all there are
    n: tuple[int, int]  # numbers of samples and of real examples


def identical(samples: ArrayLike, reference: ArrayLike) -> Identical:
    """Exact repetitions among `n` generated examples, and among the first `n` real ones."""
    samples = as_rows("samples", samples)
    reference = as_rows("reference", reference, columns=samples.shape[1])[: len(samples)]
    return Identical(_repeated(samples), _repeated(reference), (len(samples), len(reference)))


@dataclass(frozen=True)
class Diversity:
    """A birthday test: how often two draws of G are nearly the same example.

    A distribution over N equally likely things gives two draws of one thing with probability 1/N.
    So one over the probability that two samples coincide is the effective number of distinct
    examples of G (compare Arora & Zhang 2017). Nearly the same means nearer than `radius`: the
    `quantile` of real examples' distances to their nearest neighbor.
    """

    spread: float  # total variance of the samples, as a multiple of the reference's
    coincidence: float  # probability that two samples lie within `radius` of each other
    real_coincidence: float  # about `quantile / n` by construction
    clump: float  # largest share of samples within `radius` of one of them, that one included
    real_clump: float
    radius: float
    quantile: float
    n: int  # number of samples, and of real examples, that were compared

    @property
    def distinct(self) -> float:
        """The effective number of distinct examples of G; infinite if no two coincided."""
        return 1 / self.coincidence if self.coincidence else float("inf")


def diversity(
    samples: ArrayLike,
    reference: ArrayLike,
    *,
    quantile: float = 0.01,
    seed: int = 0,
) -> Diversity:
    """The birthday test of generated examples, or features of them, `[n, ...]`.

    Its radius is calibrated on real ones, the reference. The test is on `_COMPARED` examples of
    each set at most, since the radius depends on their number.
    """
    fake = as_rows("samples", samples, minimum=2)
    real = as_rows("reference", reference, minimum=2, columns=fake.shape[1])
    n = min(len(fake), len(real), _COMPARED)
    random = np.random.default_rng(seed)
    fake, real = (
        rows[random.permutation(len(rows))[:n]].astype(np.float64) for rows in (fake, real)
    )
    center, total = real.mean(axis=0), real.var(axis=0).sum()
    if not total > 0:
        raise InputError(
            "`reference` holds one and the same example only: there is no diversity to compare"
        )
    fake, real = fake - center, real - center
    fake_apart, real_apart = _apart(fake), _apart(real)
    nearest = float(np.quantile(real_apart.min(axis=1), quantile))
    # Below this nothing is told apart: rounding of a distance from matrix products.
    radius = max(nearest, 1e-6 * float(np.sqrt(total)))
    # For each example, how many others lie within the radius.
    fake_company, real_company = ((d <= radius).sum(axis=1) for d in (fake_apart, real_apart))
    return Diversity(
        spread=float(fake.var(axis=0).sum() / total),
        coincidence=float(fake_company.mean() / (n - 1)),
        real_coincidence=float(real_company.mean() / (n - 1)),
        clump=float((fake_company.max() + 1) / n),
        real_clump=float((real_company.max() + 1) / n),
        radius=radius,
        quantile=quantile,
        n=n,
    )


def _repeated(rows: np.ndarray) -> float:
    counts = Counter(row.tobytes() for row in rows + 0.0)  # + 0.0 makes -0.0 equal to 0.0
    return sum(count for count in counts.values() if count > 1) / len(rows)


def _apart(rows: np.ndarray) -> np.ndarray:
    """Distances between at most `_COMPARED` rows, `[n, n]`; that of a row to itself is infinite."""
    distances = pairwise_distances(rows)
    np.fill_diagonal(distances, np.inf)
    return distances
