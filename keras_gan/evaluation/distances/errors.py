"""How far a number would move with other examples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.arguments import whole
from keras_gan.evaluation.arrays import equal_rows


def standard_error(
    measure: Callable[[np.ndarray, np.ndarray], ArrayLike],
    real: ArrayLike,
    generated: ArrayLike,
    *,
    halves: int = 10,
    seed: int = 0,
) -> np.ndarray:
    """The standard error of numbers that are measured on equal numbers of examples.

    It is their standard deviation over random halves of both sets: the delete-d jackknife with half
    of the examples deleted, where its factor is 1 (Shao and Wu 1989, "A general theory for
    jackknife variance estimation", The Annals of Statistics 17). A bootstrap draws examples
    twice, which is a distance of 0 to a nearest neighbor, and so not what precision and recall
    are about. For a Frechet distance near that of two real sets it is an upper bound, up to about
    twice the standard error: there the distance is not a smooth function of the two samples.

    Args:
        measure: From real and generated examples `[n, d]` to one number or an array of numbers.
        real: Examples `[n, ...]`, four or more.
        generated: Examples `[m, ...]`, four or more.
        halves: How many halves of each are measured, two or more.
        seed: Of the choice of the halves.

    Returns:
        float64, of the shape that `measure` returns.
    """
    halves = whole("halves", halves, 2)
    x, y = equal_rows(real, generated, minimum=4, seed=seed)
    random = np.random.default_rng(seed)
    values = [
        np.asarray(
            measure(*(rows[random.permutation(len(rows))[: len(rows) // 2]] for rows in (x, y))),
            np.float64,
        )
        for _ in range(halves)
    ]
    return np.std(values, axis=0, ddof=1)
