"""Kernel inception distance between features (Bińkowski et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError
from keras_gan.evaluation.arrays import as_rows


@dataclass(frozen=True)
class KID:
    """The squared maximum mean discrepancy, unbiased, over random subsets.

    `distance` is the mean over the subsets: near zero, of either sign, for equal distributions.
    `standard_deviation` is over the subsets, which overlap: no standard error of `distance`.
    """

    distance: float
    standard_deviation: float
    subsets: int
    subset_size: int
    n_real: int
    n_generated: int
    dimension: int
    seed: int


def kid(
    real: ArrayLike,
    generated: ArrayLike,
    *,
    subsets: int = 100,
    subset_size: int | None = None,
    seed: int = 0,
) -> KID:
    """Unbiased squared MMD with the kernel (x.y / d + 1)^3, averaged over random subsets.

    Binkowski et al. 2018, "Demystifying MMD GANs" (arXiv:1801.01401): on features of Inception it
    is their KID.

    Args:
        real: Examples `[n, ...]`.
        generated: Examples `[m, ...]`.
        subsets: Number of subsets, two or more.
        subset_size: Examples of each kind in a subset, drawn without repetition; if None 1,000, or
            half as many as the smaller set has.
        seed: Of the draws.
    """
    x = as_rows("real", real, minimum=2)
    y = as_rows("generated", generated, minimum=2, columns=x.shape[1])
    largest = min(len(x), len(y))
    size = max(2, min(1_000, largest // 2)) if subset_size is None else subset_size
    if not 2 <= size <= largest:
        raise InputError(f"`subset_size` must be from 2 to {largest}. Received: {size}")
    if subsets < 2:
        raise InputError(f"`subsets` must be at least 2. Received: {subsets}")
    random = np.random.default_rng(seed)
    values = [
        _unbiased_mmd(*(rows[random.choice(len(rows), size, replace=False)] for rows in (x, y)))
        for _ in range(subsets)
    ]
    return KID(
        distance=float(np.mean(values)),
        standard_deviation=float(np.std(values, ddof=1)),
        subsets=subsets,
        subset_size=size,
        n_real=len(x),
        n_generated=len(y),
        dimension=x.shape[1],
        seed=seed,
    )


def _unbiased_mmd(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x.astype(np.float64), y.astype(np.float64)

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def between_others(a: np.ndarray) -> float:
        values = kernel(a, a)
        return (values.sum() - np.trace(values)) / (len(a) * (len(a) - 1))

    return float(between_others(x) + between_others(y) - 2 * kernel(x, y).mean())
