"""Identical samples, and how different samples are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import pairwise_distances_chunked

from keras_gan.core.errors import InputError
from keras_gan.evaluation.arrays import as_rows

_BLOCK_MIB = 64  # memory of one block of distances


@dataclass(frozen=True)
class Identical:
    """Examples that another of their set repeats exactly.

    Attributes:
        samples: Share of the samples.
        real: Share of as many real examples, or of all there are.
        n: Numbers of samples and of real examples.
    """

    samples: float
    real: float
    n: tuple[int, int]


def identical(samples: ArrayLike, reference: ArrayLike) -> Identical:
    """Share of exact repetitions.

    Args:
        samples: Generated examples `[n, ...]`.
        reference: Real examples; the first n are used.

    Returns:
        The shares, 0 for a set without repetitions.
    """
    samples = as_rows("samples", samples)
    reference = as_rows("reference", reference, columns=samples.shape[1])[: len(samples)]
    return Identical(_repeated(samples), _repeated(reference), (len(samples), len(reference)))


@dataclass(frozen=True)
class Diversity:
    """A birthday test: how often two draws of G are nearly the same example.

    A distribution over N equally likely things gives two draws of one thing with probability 1/N.
    So one over the probability that two samples coincide is the effective number of distinct
    examples of G (compare Arora & Zhang 2017).

    Attributes:
        spread: Total variance of the samples, as a multiple of the reference's.
        coincidence: Probability that two samples lie within `radius` of each other.
        real_coincidence: The same for real examples; about `quantile / n` by construction.
        clump: Largest share of the samples within `radius` of one of them, that one included.
        real_clump: The same for real examples.
        radius: What counts as nearly the same: the `quantile` of real examples' distances to their
            nearest neighbor.
        quantile: That quantile.
        n: Number of samples and of real examples that were compared.
    """

    spread: float
    coincidence: float
    real_coincidence: float
    clump: float
    real_clump: float
    radius: float
    quantile: float
    n: int

    @property
    def distinct(self) -> float:
        """The effective number of distinct examples of G; infinite if no two coincided."""
        return 1 / self.coincidence if self.coincidence else float("inf")


def diversity(
    samples: ArrayLike,
    reference: ArrayLike,
    *,
    quantile: float = 0.01,
    limit: int = 2000,
    seed: int = 0,
) -> Diversity:
    """The birthday test of a set of samples, with its radius calibrated on real data.

    Args:
        samples: Generated examples, or features of them, `[n, ...]`.
        reference: Real examples, or features of them.
        quantile: Which real nearest-neighbor distance counts as nearly the same.
        limit: Largest number of either set that is compared: the radius depends on it.
        seed: Seed of the choice of examples.

    Returns:
        The result, on `min(samples, reference, limit)` examples of each set.
    """
    fake = as_rows("samples", samples, minimum=2)
    real = as_rows("reference", reference, minimum=2, columns=fake.shape[1])
    n = min(len(fake), len(real), limit)
    random = np.random.default_rng(seed)
    fake, real = (_some(rows, n, random).astype(np.float64) for rows in (fake, real))
    center, total = real.mean(axis=0), real.var(axis=0).sum()
    if not total > 0:
        raise InputError(
            "`reference` holds one and the same example only: there is no diversity to compare"
        )
    fake, real = fake - center, real - center
    # Below this nothing is told apart: rounding of a distance from matrix products.
    radius = max(float(np.quantile(_nearest_other(real), quantile)), 1e-6 * float(np.sqrt(total)))
    fake_company, real_company = _company(fake, radius), _company(real, radius)
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


def _some(rows: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    return rows[random.permutation(len(rows))[:n]]


def _nearest_other(rows: np.ndarray) -> np.ndarray:
    def nearest(distances: np.ndarray, start: int) -> np.ndarray:
        rows = np.arange(len(distances))
        distances[rows, start + rows] = np.inf
        return distances.min(axis=1)

    return _by_blocks(rows, nearest)


def _company(rows: np.ndarray, radius: float) -> np.ndarray:
    """For each row, how many others lie within the radius."""
    return _by_blocks(rows, lambda distances, start: np.sum(distances <= radius, axis=1) - 1)


def _by_blocks(rows: np.ndarray, reduce: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    return np.concatenate(
        list(pairwise_distances_chunked(rows, reduce_func=reduce, working_memory=_BLOCK_MIB))
    )
