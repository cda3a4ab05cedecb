"""Does G still have the diversity of the data? What notices the Helvetica scenario.

Each function takes arrays and returns numbers beside their protocol; `keras_gan.evaluation.alarms`
says which numbers are too bad. Every measurement sets the samples beside real data of the same
size, so that real data stays quiet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors

from keras_gan.errors import InputError
from keras_gan.evaluation.arrays import as_rows, distinct

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
    So one over the probability that two samples coincide counts how many distinct examples G
    effectively makes (compare Arora & Zhang 2017).

    Attributes:
        spread: Total variance of the samples, as a multiple of the reference's.
        coincidence: Probability that two samples lie within `radius` of each other.
        real_coincidence: The same for real examples; about `quantile / n` by construction.
        clump: Largest share of the samples within `radius` of one of them, that one included.
        real_clump: The same for real examples.
        radius: What counts as nearly the same: the `quantile` of real examples' distances to their
            nearest neighbour.
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
        """How many distinct examples G effectively makes; infinite if no two coincided."""
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
        quantile: Which real nearest-neighbour distance counts as nearly the same.
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


@dataclass(frozen=True)
class ScoreGap:
    """How D scores training data against held-out data: D overfits where it tells them apart.

    Attributes:
        train: Mean score of training data.
        held_out: Mean score of held-out data.
        auc: Probability that a training example scores higher than a held-out one; 1/2 without
            overfitting.
        p_value: Probability of such an `auc` without overfitting (Mann-Whitney, one-sided).
        n: Numbers of training and held-out scores.
    """

    train: float
    held_out: float
    auc: float
    p_value: float
    n: tuple[int, int]


def score_gap(train_scores: ArrayLike, held_out_scores: ArrayLike) -> ScoreGap:
    """Compares D's scores of data that it has seen and of data that it has not.

    Args:
        train_scores: `D(x)` of training examples, `[n]` or `[n, 1]`, D in inference mode.
        held_out_scores: `D(x)` of held-out examples, `[m]` or `[m, 1]`.

    Returns:
        Means and a rank test.
    """
    train = as_rows("train_scores", np.reshape(train_scores, (-1, 1)))[:, 0]
    held_out = as_rows("held_out_scores", np.reshape(held_out_scores, (-1, 1)))[:, 0]
    auc, p_value = _rank_test(train, held_out)
    means = float(train.mean(dtype=np.float64)), float(held_out.mean(dtype=np.float64))
    return ScoreGap(*means, auc, p_value, (len(train), len(held_out)))


@dataclass(frozen=True)
class Memorisation:
    """Distances of samples to the training set beside those of held-out examples.

    Attributes:
        ratio: Median distance of the samples as a multiple of the held-out examples'; 0 for
            copies, about 1 for new examples of the same kind, far above 1 for what does not look
            like the data.
        copies: Share of the samples that lie closer to a training example, for the density of the
            data there, than all but `quantile` of the held-out examples do; about `quantile` for
            new examples.
        auc: Probability that a sample is closer, in that sense, than a held-out example; 1/2 for
            new examples.
        p_value: Probability of such an `auc` for new examples (Mann-Whitney, one-sided).
        quantile: See `copies`.
        n: Numbers of samples, of different training examples and of held-out examples.
    """

    ratio: float
    copies: float
    auc: float
    p_value: float
    quantile: float
    n: tuple[int, int, int]


def memorisation(
    samples: ArrayLike, train: ArrayLike, held_out: ArrayLike, *, quantile: float = 0.01
) -> Memorisation:
    """Asks whether G repeats its training set.

    Whether a distance is small depends on where it is measured: all ones look alike. So `copies`
    and `auc` take each distance as a multiple of the training example's own distance to the
    nearest one that differs from it.

    Args:
        samples: Generated examples, or features of them, `[n, ...]`.
        train: The whole training set, or features of it.
        held_out: Examples that G has not seen, or features of them.
        quantile: Share of held-out examples whose distance counts as a copy's.

    Returns:
        Ratio, copies and a rank test.
    """
    train = distinct(as_rows("train", train))
    if len(train) < 2:
        raise InputError("`train` holds one and the same example only: it has no neighbours")
    samples = as_rows("samples", samples, columns=train.shape[1])
    held_out = as_rows("held_out", held_out, columns=train.shape[1])
    search = NearestNeighbors(algorithm="brute").fit(train)
    both = np.concatenate([samples, held_out])
    distance, nearest = (found[:, 0] for found in search.kneighbors(both, 1))
    place, of_place = np.unique(nearest, return_inverse=True)
    usual_there = search.kneighbors(train[place], 2)[0][:, 1][of_place]
    tiny = np.finfo(np.float32).tiny  # where training examples differ by rounding alone
    own, real = np.split(distance / np.maximum(usual_there, tiny), [len(samples)])
    auc, p_value = _rank_test(real, own)
    median, usual = (float(np.median(part)) for part in np.split(distance, [len(samples)]))
    return Memorisation(
        ratio=median / usual if usual > 0 else (1.0 if median == 0 else float("inf")),
        copies=float(np.mean(own <= np.quantile(real, quantile))),
        auc=auc,
        p_value=p_value,
        quantile=quantile,
        n=(len(samples), len(train), len(held_out)),
    )


def _rank_test(larger: np.ndarray, smaller: np.ndarray) -> tuple[float, float]:
    """P(one of `larger` exceeds one of `smaller`), ties counting half, and its p-value."""
    test = stats.mannwhitneyu(larger, smaller, alternative="greater", method="asymptotic")
    return float(test.statistic / (len(larger) * len(smaller))), float(test.pvalue)


def _repeated(rows: np.ndarray) -> float:
    counts = Counter(row.tobytes() for row in rows + 0.0)  # + 0.0 makes -0.0 equal to 0.0
    return sum(count for count in counts.values() if count > 1) / len(rows)


def _some(rows: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    return rows[random.permutation(len(rows))[:n]]


def _nearest_other(rows: np.ndarray) -> np.ndarray:
    def nearest(distances: np.ndarray, start: int) -> np.ndarray:
        own = np.arange(len(distances))
        distances[own, start + own] = np.inf
        return distances.min(axis=1)

    return _by_blocks(rows, nearest)


def _company(rows: np.ndarray, radius: float) -> np.ndarray:
    """For each row, how many others lie within the radius."""
    return _by_blocks(rows, lambda distances, start: np.sum(distances <= radius, axis=1) - 1)


def _by_blocks(rows: np.ndarray, reduce: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    return np.concatenate(
        list(pairwise_distances_chunked(rows, reduce_func=reduce, working_memory=_BLOCK_MIB))
    )
