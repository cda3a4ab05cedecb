"""Kernel inception distance between features (Bińkowski et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.arguments import whole
from keras_gan.evaluation.arrays import as_rows, row_blocks


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

    Bińkowski et al. 2018, "Demystifying MMD GANs" (arXiv:1801.01401): on features of Inception it
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
    size, subsets = whole("subset_size", size, 2, largest), whole("subsets", subsets, 2)
    random = np.random.default_rng(seed)
    chosen = [
        [random.choice(len(rows), size, replace=False) for rows in (x, y)] for _ in range(subsets)
    ]
    if len(x) * len(y) <= subsets * size**2:  # one kernel of all costs less than one a subset
        values = _unbiased_mmds(x, y, *map(np.stack, zip(*chosen, strict=True)))
    else:
        all_of_them = np.arange(size)[None]
        values = np.concatenate(
            [_unbiased_mmds(x[i], y[j], all_of_them, all_of_them) for i, j in chosen]
        )
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


def _unbiased_mmds(
    x: np.ndarray, y: np.ndarray, chosen_x: np.ndarray, chosen_y: np.ndarray
) -> np.ndarray:
    """The unbiased squared MMD of each subset, whose rows are `chosen` `[subsets, size]`."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    in_x, in_y = _members(chosen_x, len(x)), _members(chosen_y, len(y))
    size = chosen_x.shape[1]

    def between_others(rows: np.ndarray, members: np.ndarray) -> np.ndarray:
        with_themselves = (np.sum(rows**2, axis=1) / rows.shape[1] + 1) ** 3 @ members
        return (_sums(rows, rows, members, members) - with_themselves) / (size * (size - 1))

    mean = _sums(x, y, in_x, in_y) / size**2
    return between_others(x, in_x) + between_others(y, in_y) - 2 * mean


def _members(chosen: np.ndarray, n: int) -> np.ndarray:
    """1 where a row belongs to a subset, else 0: float64 `[n, subsets]`."""
    members = np.zeros([n, len(chosen)])
    members[chosen, np.arange(len(chosen))[:, None]] = 1
    return members


def _sums(a: np.ndarray, b: np.ndarray, in_a: np.ndarray, in_b: np.ndarray) -> np.ndarray:
    """For each subset the sum of the kernel over its pairs: `[subsets]`."""
    total = np.zeros(in_a.shape[1])
    for block in row_blocks(len(a), len(b)):
        kernel = (a[block] @ b.T / a.shape[1] + 1) ** 3
        total += np.sum(in_a[block] * (kernel @ in_b), axis=0)
    return total
