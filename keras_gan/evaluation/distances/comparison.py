"""All distances between two sets of features at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.evaluation.arrays import equal_rows
from keras_gan.evaluation.distances.errors import standard_error
from keras_gan.evaluation.distances.frechet import frechet_distance, frechet_distance_at_infinity
from keras_gan.evaluation.distances.kernel import kid
from keras_gan.evaluation.distances.prdc import LEAST_EXAMPLES, precision_recall

HALVES = 5  # of the examples, that standard errors are taken from
OVERLAPS = ("precision", "recall", "density", "coverage")
_MANY = 2048  # the most features of which a Frechet distance is computed many times


def compare(real: ArrayLike, generated: ArrayLike, *, seed: int = 0) -> dict[str, Any]:
    """All distances that the numbers of examples and of features allow, with their errors.

    As many of either kind are compared as the smaller set has (see `equal_numbers`).

    Args:
        real: Features `[n, ...]`.
        generated: Features `[m, ...]`.
        seed: Of every choice among the examples.

    Returns:
        The results of `frechet_distance`, `kid`, `precision_recall` and, with at least 2 d + 2
        examples, `frechet_distance_at_infinity` as dicts, "frechet", "kid", "precision_recall" and
        "frechet_at_infinity"; and "standard_errors" by name, from "halves" random halves.

    Raises:
        InputError: There are fewer than 6 examples of either kind, or some are not finite.
    """
    x, y = equal_rows(real, generated, minimum=LEAST_EXAMPLES, seed=seed)
    results: dict[str, Any] = {
        "frechet": dataclasses.asdict(frechet_distance(x, y)),
        "kid": dataclasses.asdict(kid(x, y, seed=seed)),
        "precision_recall": dataclasses.asdict(precision_recall(x, y)),
    }
    n, dimension = x.shape
    few_features = dimension <= _MANY
    if few_features and n >= 2 * (dimension + 1):
        at_infinity = frechet_distance_at_infinity(x, y, seed=seed)
        results["frechet_at_infinity"] = dataclasses.asdict(at_infinity)

    def error(measure: Callable[[np.ndarray, np.ndarray], ArrayLike]) -> np.ndarray:
        return standard_error(measure, x, y, halves=HALVES, seed=seed)

    errors: dict[str, float] = {}
    if n >= 2 * LEAST_EXAMPLES:
        found = error(lambda a, b: [getattr(precision_recall(a, b), name) for name in OVERLAPS])
        errors |= zip(OVERLAPS, found.tolist(), strict=True)
        if few_features:
            errors["frechet"] = float(error(lambda a, b: frechet_distance(a, b).distance))
    return {**results, "standard_errors": errors, "halves": HALVES}
