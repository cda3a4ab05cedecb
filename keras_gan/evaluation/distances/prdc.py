"""How far generated examples cover the support of real ones, and stay within it.

On pixels or, by `distances.features`, on the features of an extractor of yours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError
from keras_gan.evaluation.arrays import as_rows
from keras_gan.evaluation.progress import Track, tracked

PRECISION_NEIGHBOURS, DENSITY_NEIGHBOURS = 3, 5  # k in the papers below
LEAST_EXAMPLES = DENSITY_NEIGHBOURS + 1  # of either kind
BLOCK = 2**23  # the most numbers in one block of distances: 64 MiB in float64
ROUNDING = 1e-12  # of a squared distance, relative to the largest squared norm: equal points touch


@dataclass(frozen=True)
class PrecisionRecall:
    """How far the supports of real and generated examples cover each other.

    A support is the union of balls round its examples, each as wide as the distance to the k-th
    nearest other example of the same kind.

    Attributes:
        precision: Share of generated examples in the real support.
        recall: Share of real examples in the generated support.
        density: Number of real balls that a generated example lies in, over k, on average; it may
            exceed 1.
        coverage: Share of real balls that hold a generated example.
        precision_neighbours: k of precision and recall.
        density_neighbours: k of density and coverage.
        real: Number of real examples.
        generated: Number of generated examples.
        dimension: Of the features.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    precision_neighbours: int
    density_neighbours: int
    real: int
    generated: int
    dimension: int


def precision_recall(
    real: ArrayLike,
    generated: ArrayLike,
    *,
    precision_neighbours: int = PRECISION_NEIGHBOURS,
    density_neighbours: int = DENSITY_NEIGHBOURS,
    track: Track | None = None,
) -> PrecisionRecall:
    """Precision and recall, density and coverage.

    Kynkaanniemi et al. 2019, "Improved precision and recall metric for assessing generative models"
    (arXiv:1904.06991), and Naeem et al. 2020, "Reliable fidelity and diversity metrics for
    generative models" (arXiv:2002.09797).

    Args:
        real: Examples `[n, ...]`.
        generated: Examples `[m, ...]`.
        precision_neighbours: k of precision and recall, 3 in their paper.
        density_neighbours: k of density and coverage, 5 in theirs.
        track: Reports progress, as `rich.progress.track` does.

    Raises:
        InputError: For k below 1, fewer than k + 1 examples, unequal dimensions, NaN or infinite
            numbers.
    """
    neighbours = [precision_neighbours, density_neighbours]
    if min(neighbours) < 1:
        raise InputError(f"numbers of neighbours must be at least 1. Received: {neighbours}")
    x = as_rows("real", real, minimum=max(neighbours) + 1).astype(np.float64)
    y = as_rows("generated", generated, minimum=max(neighbours) + 1, columns=x.shape[1])
    origin = x.mean(axis=0)
    x, y = x - origin, y - origin
    slack = ROUNDING * max(np.max(np.sum(rows**2, axis=1)) for rows in (x, y))
    of_x = _squared_radii(x, neighbours, track, "neighbours of real examples") + slack
    of_y = _squared_radii(y, neighbours, track, "neighbours of generated examples") + slack

    precise = dense = 0
    recalled = np.zeros(len(x), bool)
    nearest = np.full(len(x), np.inf)
    for rows, squares in _squared_distances(y, x, track, "real against generated examples"):
        precise += np.sum(np.any(squares <= of_x[:, 0], axis=1))
        recalled |= np.any(squares <= of_y[rows, :1], axis=0)
        dense += np.sum(squares <= of_x[:, 1])
        nearest = np.minimum(nearest, squares.min(axis=0))
    return PrecisionRecall(
        precision=float(precise / len(y)),
        recall=float(recalled.mean()),
        density=float(dense / (density_neighbours * len(y))),
        coverage=float(np.mean(nearest <= of_x[:, 1])),
        precision_neighbours=precision_neighbours,
        density_neighbours=density_neighbours,
        real=len(x),
        generated=len(y),
        dimension=x.shape[1],
    )


def _squared_radii(
    rows: np.ndarray, neighbours: list[int], track: Track | None, description: str
) -> np.ndarray:
    """Squared distance of each row to its k-th nearest other, for each k: [n, len(neighbours)]."""
    radii = np.empty([len(rows), len(neighbours)])
    ranks = [k - 1 for k in neighbours]
    for own, squares in _squared_distances(rows, rows, track, description):
        squares[np.arange(len(squares)), np.arange(own.start, own.stop)] = np.inf
        radii[own] = np.partition(squares, ranks, axis=1)[:, ranks]
    return radii


def _squared_distances(
    rows: np.ndarray, others: np.ndarray, track: Track | None, description: str
) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of rows, and their squared distances to all others."""
    norms, other_norms = (np.sum(array**2, axis=1) for array in (rows, others))
    step = max(1, BLOCK // len(others))
    for start in tracked(track, range(0, len(rows), step), description):
        block = slice(start, min(start + step, len(rows)))
        products = rows[block] @ others.T
        yield block, norms[block, None] + other_norms - 2 * products
