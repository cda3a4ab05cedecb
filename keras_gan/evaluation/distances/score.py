"""Inception Score of class probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from keras_gan.core.arguments import whole
from keras_gan.core.errors import InputError
from keras_gan.evaluation.arrays import as_rows


@dataclass(frozen=True)
class InceptionScore:
    """How sure a classifier is of each example, and how evenly the classes are shared.

    `score` is the mean over splits, from 1 (one answer for all) to the number of classes (sure
    answers, equal shares). Few examples of a split raise it. No real examples are compared, and
    variety within a class does not count.
    """

    score: float
    standard_deviation: float  # over the splits
    splits: int
    n: int
    classes: int


def inception_score(probabilities: ArrayLike, *, splits: int | None = None) -> InceptionScore:
    """`exp(E KL(p(y|x) || p(y)))`, where p(y) is the mean over the examples of a split.

    Salimans et al. 2016, "Improved techniques for training GANs" (arXiv:1606.03498): with the
    probabilities of Inception, 50,000 samples and 10 splits it is their score.

    Args:
        probabilities: A classifier's answers, `[n, classes]`, each row with sum 1.
        splits: Parts of equal size, in the order of the rows, two or more; rows that do not
            fill them are left out. If None 10, but fewer if they would have less than 1,000 rows.
    """
    splits = None if splits is None else whole("splits", splits, 2)
    rows = as_rows("probabilities", probabilities, minimum=splits or 2).astype(np.float64)
    splits = splits or int(np.clip(len(rows) // 1000, 2, 10))
    if rows.min() < 0 or np.abs(rows.sum(axis=1) - 1).max() > 1e-3:
        raise InputError("`probabilities` must be at least 0, and each row must have sum 1")
    size = len(rows) // splits
    parts = rows[: splits * size].reshape(splits, size, -1)
    shares = parts.mean(axis=1, keepdims=True)
    divergence = special.rel_entr(parts, shares).sum(axis=2).mean(axis=1)
    scores = np.exp(divergence)
    return InceptionScore(
        score=float(scores.mean()),
        standard_deviation=float(scores.std(ddof=1)),
        splits=splits,
        n=splits * size,
        classes=rows.shape[1],
    )
