"""Signs of memorization and of an overfitted discriminator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from keras_gan.core.errors import InputError
from keras_gan.evaluation.arrays import as_rows, distinct
from keras_gan.evaluation.collapse.components import ROUNDING

_REPEATED = 1e-3  # of the usual distance there: nearer ones are the training example, rounded


@dataclass(frozen=True)
class ScoreGap:
    """How D scores training data against held-out data: D overfits where it tells them apart."""

    train: float  # mean score
    held_out: float
    auc: float  # probability that a training example scores higher; 1/2 without overfitting
    p_value: float  # of such an `auc` without overfitting (Mann-Whitney, one-sided)
    n: tuple[int, int]  # numbers of scores


def score_gap(train_scores: ArrayLike, held_out_scores: ArrayLike) -> ScoreGap:
    """Compares D's scores, in inference mode, of data that it has seen and that it has not."""
    train = as_rows("train_scores", np.reshape(train_scores, (-1, 1)))[:, 0]
    held_out = as_rows("held_out_scores", np.reshape(held_out_scores, (-1, 1)))[:, 0]
    auc, p_value = _rank_test(train, held_out)
    means = float(train.mean(dtype=np.float64)), float(held_out.mean(dtype=np.float64))
    return ScoreGap(*means, auc, p_value, (len(train), len(held_out)))


@dataclass(frozen=True)
class Memorization:
    """Distances of samples to the training set, compared with those of held-out examples.

    `ratio` is the samples' median distance as a multiple of the held-out examples': 0 for copies,
    about 1 for new examples of the same kind, far above 1 for what does not look like the data.
    `copies` is the share of the samples that lie closer to a training example, for the density of
    the data there, than all but `quantile` of the held-out examples do: about `quantile` for new
    examples, and more where fewer than a hundred are held out. Held-out examples that repeat a
    training example do not count there; their share is taken off.
    """

    ratio: float
    copies: float
    auc: float  # probability that a sample is closer, in that sense; 1/2 for new examples
    p_value: float  # of such an `auc` for new examples (Mann-Whitney, one-sided)
    quantile: float
    n: tuple[int, int, int]  # samples, different training examples and held-out examples
    altered: float | None = None  # None for what is no image


def memorization(
    samples: ArrayLike, train: ArrayLike, held_out: ArrayLike, *, quantile: float = 0.01
) -> Memorization:
    """Asks whether G repeats its training set.

    Whether a distance is small depends on where it is measured: all ones look alike. So `copies`
    and `auc` take each distance as a multiple of the training example's own distance to the
    nearest one that differs from it. All three are sets of examples, or of features of them.
    """
    train = distinct(as_rows("train", train))
    if len(train) < 2:
        raise InputError("`train` holds one and the same example only: it has no neighbors")
    samples = as_rows("samples", samples, columns=train.shape[1])
    held_out = as_rows("held_out", held_out, columns=train.shape[1])
    search = NearestNeighbors(algorithm="brute").fit(train)
    both = np.concatenate([samples, held_out])
    distance, nearest = (column[:, 0] for column in search.kneighbors(both, 1))
    place, inverse = np.unique(nearest, return_inverse=True)
    usual_there = search.kneighbors(train[place], 2)[0][:, 1][inverse]
    tiny = np.finfo(np.float32).tiny  # where training examples differ by rounding alone
    fake, real = np.split(distance / np.maximum(usual_there, tiny), [len(samples)])
    auc, p_value = _rank_test(real, fake)
    median, usual = (float(np.median(d)) for d in np.split(distance, [len(samples)]))
    if usual == 0:  # most held-out examples repeat a training example
        usual = float(np.median(usual_there)) if median else 1.0
    new = real[real > _REPEATED]
    closest = np.quantile(new, quantile) if len(new) else _REPEATED
    repeated = 1 - len(new) / len(real)
    return Memorization(
        ratio=median / usual,
        copies=max(0.0, float(np.mean(fake <= closest)) - repeated),
        auc=auc,
        p_value=p_value,
        quantile=quantile,
        n=(len(samples), len(train), len(held_out)),
    )


def spectra(images: np.ndarray) -> np.ndarray:
    """Features of images that do not change with shifts, mirroring, brightness and contrast.

    It is the absolute value of the discrete Fourier transform, averaged over an image and its
    mirror image, without the mean and of length 1, or 0 for an image of one color. Shifts are those
    that wrap around, as do all over an even border.

    Args:
        images: `[n, h, w, c]`.

    Returns:
        float32 `[n, numbers]`.
    """
    height = images.shape[1]
    centered = images - images.mean(axis=(1, 2, 3), keepdims=True)
    amplitudes = np.abs(np.fft.rfft2(centered, axes=(1, 2)))
    # A real image has equal amplitudes at k and -k, so to mirror it is to change one sign of k.
    amplitudes = amplitudes + amplitudes[:, -np.arange(height) % height]
    rows = amplitudes[:, : height // 2 + 1].reshape(len(images), -1)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    detail, all_of_it = (np.square(part).sum(axis=(1, 2, 3)) for part in (centered, images))
    rows[detail <= ROUNDING * all_of_it] = 0
    return (rows / np.where(length > 0, length, 1)).astype(np.float32)


def _rank_test(larger: np.ndarray, smaller: np.ndarray) -> tuple[float, float]:
    """P(one of `larger` exceeds one of `smaller`), ties counting half, and its p-value."""
    test = stats.mannwhitneyu(larger, smaller, alternative="greater", method="asymptotic")
    return float(test.statistic / (len(larger) * len(smaller))), float(test.pvalue)
