"""Do samples reach what real examples reach, and only that? Training examples set the scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from keras_gan.evaluation.arrays import as_rows
from keras_gan.evaluation.distances import LEAST_EXAMPLES, PrecisionRecall, precision_recall

_NEIGHBORS = 20
_FEW = 2  # samples among the neighbors


@dataclass(frozen=True)
class Support:
    """Precision, recall, density and coverage of samples, and of as many training examples.

    Both are compared with the same held-out examples.
    """

    features: str  # what they are measured on, in words
    samples: PrecisionRecall
    training: PrecisionRecall


@dataclass(frozen=True)
class Gaps:
    """Held-out examples that lie among training examples but not among samples.

    As many samples as training examples are mixed. If they have one distribution, each of the 20
    nearest to a held-out example is a sample with probability 1/2, so that at most 2 are with
    probability `expected`, 0.0002. `share` is how often that was so.
    """

    share: float
    expected: float
    neighbors: int
    n: int  # held-out examples, samples, and training examples, of each


def support(
    samples: ArrayLike, training: ArrayLike, held_out: ArrayLike, *, features: str
) -> Support:
    """Precision and recall of samples and training examples against held-out ones.

    The first `n` of each are compared, where `n` is the number that the smallest set has.

    Args:
        samples: Features of samples, `[n, ...]`, six or more.
        training: Features of training examples, `[n, ...]`.
        held_out: Features of examples that G has not seen, `[n, ...]`.
        features: A description of them.
    """
    fake, train, real = _equal(samples, training, held_out, LEAST_EXAMPLES)
    return Support(features, precision_recall(real, fake), precision_recall(real, train))


def gaps(samples: ArrayLike, training: ArrayLike, held_out: ArrayLike) -> Gaps:
    """Places where real examples lie and samples do not, as in a nearest-neighbor two-sample test.

    Schilling 1986, "Multivariate two-sample tests based on nearest neighbors". The first `n` of
    each are compared, where `n` is the number that the smallest set has, 20 or more. Arguments are
    those of `support`.
    """
    fake, train, real = _equal(samples, training, held_out, _NEIGHBORS)
    search = NearestNeighbors(n_neighbors=_NEIGHBORS, algorithm="brute")
    nearest = search.fit(np.concatenate([fake, train])).kneighbors(real, return_distance=False)
    few = np.sum(nearest < len(fake), axis=1) <= _FEW
    expected = float(stats.binom.cdf(_FEW, _NEIGHBORS, 0.5))
    return Gaps(float(few.mean()), expected, _NEIGHBORS, len(real))


@dataclass(frozen=True)
class Detail:
    """The detail of samples outside of the data's principal components, over that of real ones.

    It is the squared length there of a typical (median) example: below 1 for blurred or averaged
    images, which lose fine detail first, and above 1 for noise.
    """

    ratio: float
    n: tuple[int, int]  # samples and held-out examples


def detail(samples: np.ndarray, held_out: np.ndarray) -> Detail | None:
    """From squared lengths outside of the components, `[n]` each; None if the data have none."""
    usual = float(np.median(held_out))
    if not usual > 0:
        return None
    return Detail(float(np.median(samples)) / usual, (len(samples), len(held_out)))


def _equal(
    samples: ArrayLike, training: ArrayLike, held_out: ArrayLike, least: int
) -> tuple[np.ndarray, ...]:
    fake = as_rows("samples", samples, minimum=least)
    train = as_rows("training", training, minimum=least, columns=fake.shape[1])
    real = as_rows("held_out", held_out, minimum=least, columns=fake.shape[1])
    n = min(len(fake), len(train), len(real))
    return fake[:n], train[:n], real[:n]
