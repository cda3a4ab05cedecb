"""Fréchet distance between features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.evaluation.arrays import as_rows


@dataclass(frozen=True)
class FrechetDistance:
    """The squared Frechet distance, as FID is reported, and what it was computed from.

    `distance` is |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)), in the features' units squared. It is
    biased upward, the more the fewer the examples: compare equal numbers only.
    """

    distance: float
    n_real: int
    n_generated: int
    dimension: int


def frechet_distance(real: ArrayLike, generated: ArrayLike) -> FrechetDistance:
    """Squared Frechet distance of the Gaussians with the examples' means and covariances.

    Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium" (arXiv:1706.08500): on features of Inception it is their FID.

    Args:
        real: Examples `[n, ...]`, two or more.
        generated: Examples `[m, ...]`, two or more.
    """
    x = as_rows("real", real, minimum=2).astype(np.float64)
    y = as_rows("generated", generated, minimum=2, columns=x.shape[1]).astype(np.float64)
    first, second = (np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (x, y))
    # With C = A A^T and C' = B B^T, tr (C C')^(1/2) is the sum of the singular values of A^T B.
    shared = np.linalg.svd(_root(first).T @ _root(second), compute_uv=False).sum()
    means = np.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2)
    distance = means + np.trace(first) + np.trace(second) - 2 * shared
    return FrechetDistance(float(distance), len(x), len(y), x.shape[1])


def _root(covariance: np.ndarray) -> np.ndarray:
    """A with A A^T = covariance: [d, rank]."""
    values, vectors = np.linalg.eigh(covariance)
    positive = values > 0
    return vectors[:, positive] * np.sqrt(values[positive])
