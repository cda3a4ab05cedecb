"""Fréchet distance between features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from keras_gan.core.errors import InputError
from keras_gan.evaluation.arrays import equal_rows

SIZES = 15  # numbers of examples that an extrapolation is fitted to
SMALLEST_SHARE = 0.1  # of all examples, in the smallest of them


@dataclass(frozen=True)
class FrechetDistance:
    """The squared Frechet distance, as FID is reported, and what it was computed from.

    `distance` is |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)), in the features' units squared. It is
    biased upward, the more the fewer the examples: compare it at equal numbers of examples only.
    """

    distance: float
    n_real: int
    n_generated: int
    dimension: int


def frechet_distance(real: ArrayLike, generated: ArrayLike, *, seed: int = 0) -> FrechetDistance:
    """Squared Frechet distance of the Gaussians with the examples' means and covariances.

    Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium" (arXiv:1706.08500): on features of Inception it is their FID. As many of either
    kind are compared as the smaller set has (see `equal_numbers`).

    Args:
        real: Examples `[n, ...]`, two or more.
        generated: Examples `[m, ...]`, two or more.
        seed: Of the choice among real examples, where there are more of them.
    """
    x, y = equal_rows(real, generated, minimum=2, seed=seed)
    return FrechetDistance(_squared(x, y), len(x), len(y), x.shape[1])


@dataclass(frozen=True)
class FrechetDistanceAtInfinity:
    """The Frechet distance that infinitely many examples of either kind would have.

    `distance` may be below 0 where the distributions are nearly equal: it is not biased, and a fit.
    """

    distance: float
    sizes: tuple[int, ...]  # numbers of examples of either kind that the line was fitted to
    dimension: int
    seed: int


def frechet_distance_at_infinity(
    real: ArrayLike, generated: ArrayLike, *, seed: int = 0
) -> FrechetDistanceAtInfinity:
    """The Frechet distance extrapolated to infinitely many examples.

    Chong and Forsyth 2020, "Effectively unbiased FID and Inception Score and where to find them"
    (arXiv:1911.07023): its bias is nearly proportional to 1/n, so that a line through the distances
    of 15 subsets, from a tenth of the examples to all, meets 1/n = 0 at the distance without bias.
    Unlike theirs, each subset has as many real as generated examples, which removes the bias of
    both; the smallest has more examples than the features have dimensions.

    Args:
        real: Examples `[n, ...]`, at least twice as many as their dimensions and two more.
        generated: Examples `[m, ...]`, as many.
        seed: Of the choice of the subsets.
    """
    x, y = equal_rows(real, generated, minimum=2, seed=seed)
    n, dimension = x.shape
    if n < 2 * (dimension + 1):
        raise InputError(
            f"an extrapolation of {dimension} features takes at least {2 * (dimension + 1)} real "
            f"and as many generated examples. Received: {n}"
        )
    smallest = max(int(SMALLEST_SHARE * n), dimension + 1)
    sizes = np.linspace(smallest, n, SIZES).astype(int)
    random = np.random.default_rng(seed)
    distances = [
        _squared(*(rows[random.permutation(n)[:size]] for rows in (x, y))) for size in sizes
    ]
    _, intercept = np.polyfit(1 / sizes, distances, 1)
    return FrechetDistanceAtInfinity(float(intercept), tuple(sizes.tolist()), dimension, seed)


def _squared(x: np.ndarray, y: np.ndarray) -> float:
    means = [rows.mean(axis=0, dtype=np.float64) for rows in (x, y)]
    first, second = (_root(rows - mean) for rows, mean in zip((x, y), means, strict=True))
    # With C = A A^T and C' = B B^T, tr (C C')^(1/2) is the sum of the singular values of A^T B.
    product = first.T @ second
    with _one_thread():
        shared = np.linalg.svd(product, compute_uv=False).sum()
    covariances = np.sum(first**2) + np.sum(second**2) - 2 * shared
    return float(np.sum((means[0] - means[1]) ** 2) + max(0, covariances))  # rounded below 0


def _root(centered: np.ndarray) -> np.ndarray:
    """A with A A^T = covariance of rows `[n, d]` of mean 0: [d, rank]."""
    n, dimension = centered.shape
    if n <= dimension:
        return centered.T / np.sqrt(n - 1)
    covariance = centered.T @ centered / (n - 1)
    with _one_thread():
        try:
            return np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:  # it is singular: features that are always 0, for instance
            values, vectors = np.linalg.eigh(covariance)
    positive = values > 0
    return vectors[:, positive] * np.sqrt(values[positive])


def _one_thread() -> threadpool_limits:
    """For factorizations, whose threads wait for each other at every column.

    On two cores that other programs used as well, the singular values of a 1280x1280 matrix took 9
    to 15 s with two threads, and 0.5 to 0.8 s with one.
    """
    return threadpool_limits(1, user_api="blas")
