"""Fréchet distance between features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError
from keras_gan.evaluation.arrays import as_rows

ROWS = 1024  # examples converted at a time


@dataclass(frozen=True)
class FrechetDistance:
    """The squared Frechet distance, as FID is reported, and what it was computed from.

    Attributes:
        distance: |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)), in the features' units squared. It is
            biased upwards, the more the fewer the examples: compare equal numbers only.
        real: Number of real examples.
        generated: Number of generated examples.
        dimension: Of the features.
    """

    distance: float
    real: int
    generated: int
    dimension: int


class Moments:
    """Mean and covariance of examples that arrive in batches, in constant memory.

    Batches are merged as in Chan, Golub and LeVeque (1983), so that a large mean costs no digits.

    Attributes:
        count: Number of examples so far.
        mean: `[d]`, float64; empty before the first batch.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = np.zeros(0)
        self._scatter = np.zeros([0, 0])

    @classmethod
    def of(cls, batches: Iterable[ArrayLike]) -> Moments:
        """The moments of all batches, arrays `[b, ...]`, of an iterable."""
        moments = cls()
        for batch in batches:
            moments.update(batch)
        return moments

    def update(self, batch: ArrayLike) -> None:
        """Adds a batch of examples, `[b, ...]`."""
        columns = len(self.mean) if self.count else None
        rows = as_rows("batch", batch, columns=columns).astype(np.float64, copy=False)
        mean = rows.mean(axis=0)
        scatter = (rows - mean).T @ (rows - mean)
        if not self.count:
            self.mean, self._scatter = np.zeros_like(mean), np.zeros_like(scatter)
        total, step = self.count + len(rows), mean - self.mean
        self._scatter += scatter + np.outer(step, step) * (self.count * len(rows) / total)
        self.mean = self.mean + step * (len(rows) / total)
        self.count = total

    @property
    def covariance(self) -> np.ndarray:
        """Unbiased covariance, `[d, d]`, of two examples or more."""
        if self.count < 2:
            raise InputError(f"a covariance needs at least 2 examples. Received: {self.count}")
        return self._scatter / (self.count - 1)


def features(
    images: ArrayLike, extractor: Callable[[np.ndarray], ArrayLike], *, batch_size: int = 256
) -> Iterator[np.ndarray]:
    """Features of images, batch by batch: `Moments.of` takes them as they come.

    Args:
        images: `[n, ...]`, as the extractor expects them.
        extractor: Gives the features `[b, ...]` of a batch `[b, ...]`: a Keras model, say.
        batch_size: Images in a batch.

    Yields:
        `[b, d]`.
    """
    images = np.asarray(images)
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        rows = as_rows("features", np.asarray(extractor(batch)))
        if len(rows) != len(batch):
            raise InputError(
                f"`extractor` must give one row for each of {len(batch)} images. "
                f"Received: {len(rows)}"
            )
        yield rows


def frechet_distance(real: ArrayLike | Moments, generated: ArrayLike | Moments) -> FrechetDistance:
    """Squared Frechet distance of the Gaussians with the examples' means and covariances.

    Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium" (arXiv:1706.08500): on features of Inception it is their FID.

    Args:
        real: Examples `[n, ...]`, two or more, or their `Moments`.
        generated: Likewise.

    Raises:
        InputError: For fewer than two examples, unequal dimensions, NaN or infinite numbers.
    """
    first, second = _moments("real", real), _moments("generated", generated)
    if len(first.mean) != len(second.mean):
        raise InputError(
            f"`generated` must have the dimension of `real`, {len(first.mean)}. "
            f"Received: {len(second.mean)}"
        )
    # With C = A A^T and C' = B B^T, tr (C C')^(1/2) is the sum of the singular values of A^T B.
    roots = _root(first.covariance).T @ _root(second.covariance)
    shared = np.linalg.svd(roots, compute_uv=False).sum()
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    distance = np.sum((first.mean - second.mean) ** 2) + traces - 2 * shared
    return FrechetDistance(float(distance), first.count, second.count, len(first.mean))


def _moments(name: str, examples: ArrayLike | Moments) -> Moments:
    if not isinstance(examples, Moments):
        rows = as_rows(name, examples, minimum=2)
        return Moments.of(rows[start : start + ROWS] for start in range(0, len(rows), ROWS))
    if examples.count < 2:
        raise InputError(f"`{name}` must hold at least 2 examples. Received: {examples.count}")
    return examples


def _root(covariance: np.ndarray) -> np.ndarray:
    """A with A A^T = covariance: [d, rank]."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 0
    return vectors[:, kept] * np.sqrt(values[kept])
