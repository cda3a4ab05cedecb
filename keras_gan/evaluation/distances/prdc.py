"""How far generated examples cover the support of real ones, and stay within it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.arguments import whole
from keras_gan.evaluation.arrays import equal_rows, row_blocks

PRECISION_NEIGHBORS, DENSITY_NEIGHBORS = 3, 5  # k in the papers below
LEAST_EXAMPLES = DENSITY_NEIGHBORS + 1  # of either kind
ROUNDING = 1e-12  # of a squared distance, relative to the squared norms: equal points touch


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
        precision_neighbors: k of precision and recall.
        density_neighbors: k of density and coverage.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    precision_neighbors: int
    density_neighbors: int
    n_real: int
    n_generated: int
    dimension: int


def precision_recall(
    real: ArrayLike,
    generated: ArrayLike,
    *,
    precision_neighbors: int = PRECISION_NEIGHBORS,
    density_neighbors: int = DENSITY_NEIGHBORS,
    seed: int = 0,
) -> PrecisionRecall:
    """Precision and recall, density and coverage, of equal numbers of examples.

    Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models"
    (arXiv:1904.06991), and Naeem et al. 2020, "Reliable fidelity and diversity metrics for
    generative models" (arXiv:2002.09797). With more examples of one kind all four mean something
    else: among enough generated ones, any generator leaves one in every real ball. So as many of
    either kind are compared as the smaller set has (see `equal_numbers`).

    Args:
        real: Examples `[n, ...]`.
        generated: Examples `[m, ...]`.
        precision_neighbors: k of precision and recall, 3 in their paper.
        density_neighbors: k of density and coverage, 5 in theirs.
        seed: Of the choice among real examples, where there are more of them.
    """
    precision_neighbors = whole("precision_neighbors", precision_neighbors)
    density_neighbors = whole("density_neighbors", density_neighbors)
    neighbors = [precision_neighbors, density_neighbors]
    x, y = equal_rows(real, generated, minimum=max(neighbors) + 1, seed=seed)
    x = x.astype(np.float64)
    origin = x.mean(axis=0)
    x, y = x - origin, y - origin
    radii_x, radii_y = (_squared_radii(rows, neighbors) for rows in (x, y))

    precise = dense = np.int64(0)
    recalled = np.zeros(len(x), bool)
    nearest = np.full(len(x), np.inf)
    for rows, squares in _squared_distances(y, x, ROUNDING):
        precise += np.sum(np.any(squares <= radii_x[:, 0], axis=1))
        recalled |= np.any(squares <= radii_y[rows, :1], axis=0)
        dense += np.sum(squares <= radii_x[:, 1])
        nearest = np.minimum(nearest, squares.min(axis=0))
    return PrecisionRecall(
        precision=float(precise / len(y)),
        recall=float(recalled.mean()),
        density=float(dense / (density_neighbors * len(y))),
        coverage=float(np.mean(nearest <= radii_x[:, 1])),
        precision_neighbors=precision_neighbors,
        density_neighbors=density_neighbors,
        n_real=len(x),
        n_generated=len(y),
        dimension=x.shape[1],
    )


def _squared_radii(rows: np.ndarray, neighbors: list[int]) -> np.ndarray:
    """Squared distance of each row to its k-th nearest other, for each k: [n, len(neighbors)]."""
    radii = np.empty([len(rows), len(neighbors)])
    ranks = [k - 1 for k in neighbors]
    for block, squares in _squared_distances(rows, rows):
        squares[np.arange(len(squares)), np.arange(block.start, block.stop)] = np.inf
        radii[block] = np.partition(squares, ranks, axis=1)[:, ranks]
    return radii


def _squared_distances(
    rows: np.ndarray, others: np.ndarray, less: float = 0.0
) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of rows, and their squared distances to all others, less a part of the norms."""
    norms, other_norms = ((1 - less) * np.sum(array**2, axis=1) for array in (rows, others))
    for block in row_blocks(len(rows), len(others)):
        products = rows[block] @ others.T
        yield block, norms[block, None] + other_norms - 2 * products
