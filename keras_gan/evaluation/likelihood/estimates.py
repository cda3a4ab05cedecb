"""The paper's measure (section 5, Table 1): the test set's log likelihood under a Parzen window.

A Gaussian goes round each sample of the model; their bandwidth is the one of a grid that makes the
validation set most likely. The result is the mean log likelihood of the test set in nats, with
its standard error. `reliability` tells how far to believe it.

Long work reports through `track`, called as `rich.progress.track` is: pass that for a bar.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from keras_gan.core.arguments import whole
from keras_gan.core.errors import InputError
from keras_gan.core.replicas import on_shares
from keras_gan.evaluation.arrays import as_rows
from keras_gan.evaluation.likelihood.density import bandwidths, log_density

POINTS_PER_CALL = 2048  # of one device, between two reports of progress
LARGEST = 1e12  # number in an example: squared distances stay below `density.FAR`
REFINED_VALUES = 21  # bandwidths that a refinement tries between the neighbors of the grid's best


class Track(Protocol):
    """A function such as `rich.progress.track`, which iterates and shows the progress."""

    def __call__(self, sequence: Sequence[int], description: str) -> Iterable[int]: ...


@dataclass(frozen=True)
class ParzenSettings:
    """The protocol of a likelihood: two may be compared if it is the same.

    The defaults are the released code's on MNIST. On the Toronto Face Database it chooses the
    bandwidth on the whole validation fold: `ParzenSettings(validation=None)`.

    Attributes:
        samples: Number of the model's samples.
        validation: Number of validation examples, the first ones, or None for all.
        grid: Bandwidths to choose from, ascending, in the units of the data: within float32, from
            1e-18 to 1e18.
        refine: Whether to report a finer bandwidth round the grid's best as well.
    """

    samples: int = 10_000
    validation: int | None = 1_000
    grid: tuple[float, ...] = tuple(np.geomspace(0.1, 1.0, 10).tolist())
    refine: bool = False

    def __post_init__(self) -> None:
        for name in ("samples", "validation"):
            if (count := getattr(self, name)) is not None:
                object.__setattr__(self, name, whole(name, count))
        grid = np.asarray(self.grid, np.float64)
        if grid.ndim != 1 or grid.size == 0 or not np.all(np.isfinite(grid) & (grid > 0)):
            raise InputError(
                f"`grid` must hold bandwidths that are > 0 and finite. Received: {self.grid}"
            )
        least, largest = bandwidths(np.dtype(np.float32))
        if not least <= grid.min() <= grid.max() <= largest:
            raise InputError(
                f"`grid` must hold bandwidths from {least:.1e} to {largest:.1e}: give the data "
                f"another unit. Received: {self.grid}"
            )
        if np.any(np.diff(grid) <= 0):
            raise InputError(f"`grid` must ascend. Received: {self.grid}")
        object.__setattr__(self, "grid", tuple(grid.tolist()))


@dataclass(frozen=True)
class Estimate:
    """The log likelihood under one bandwidth, in nats.

    `mean` is over the test examples, as its `standard_error` is; `bandwidth` is sigma in the units
    of the data.
    """

    bandwidth: float
    validation_mean: float
    mean: float
    standard_error: float


@dataclass(frozen=True)
class LogLikelihood(Estimate):
    """The log likelihood under the grid's best bandwidth, with the whole protocol.

    Attributes:
        at_edge: Whether the best bandwidth is an end of the grid, so that a better one may lie
            beyond it.
        grid: The bandwidths tried.
        validation_means: Mean log likelihood of the validation examples under each of them.
        samples: Number of samples used; `validation` and `test`, numbers of examples.
        dimension: Numbers in one example.
        seed: The seed of the samples, if the caller gave it.
        refined: The estimate under a bandwidth between the grid's, if asked for.
    """

    at_edge: bool
    grid: tuple[float, ...]
    validation_means: tuple[float, ...]
    samples: int
    validation: int
    test: int
    dimension: int
    seed: int | None
    refined: Estimate | None


@dataclass(frozen=True)
class FoldsLikelihood:
    """Mean of the folds' log likelihoods, in nats, each with a bandwidth of its own."""

    mean: float
    standard_error: float
    folds: tuple[LogLikelihood, ...]


def log_likelihood(
    samples: ArrayLike,
    validation: ArrayLike,
    test: ArrayLike,
    *,
    protocol: ParzenSettings | None = None,
    seed: int | None = None,
    strategy: tf.distribute.Strategy | None = None,
    track: Track | None = None,
    label: str = "likelihood",
) -> LogLikelihood:
    """Log likelihood of a test set under a Parzen window on a model's samples.

    Args:
        samples: The model's samples, floats `[n, ...]`; the first `protocol.samples` are used.
        validation: Examples to choose the bandwidth on, `[v, ...]`.
        test: Examples whose likelihood is reported, `[t, ...]`, all of them.
        protocol: The paper's MNIST protocol if None.
        seed: The seed of the samples, for the record.
        strategy: Its devices share the examples; the default strategy if None.
        track: Reports progress, as `rich.progress.track` does.
        label: Names the work to `track`.

    Raises:
        InputError: For fewer samples or validation examples than the protocol asks for, examples
            of unequal sizes, integers, NaN or infinite numbers.

    Warns:
        UserWarning: If the best bandwidth is an end of the grid.
    """
    protocol = protocol or ParzenSettings()
    centers = as_floats("samples", samples, minimum=protocol.samples)[: protocol.samples]
    held_out = as_floats("validation", validation, centers.shape[1], protocol.validation or 1)
    rows = {
        "validation": held_out[: protocol.validation],
        "test": as_floats("test", test, centers.shape[1]),
    }

    def densities(split: str, bandwidths: Sequence[float], work: str) -> np.ndarray:
        return _log_densities(rows[split], centers, bandwidths, strategy, track, f"{label}, {work}")

    return _estimated(densities, protocol, len(centers), centers.shape[1], seed)


def log_likelihood_given_classes(
    samples: Sequence[ArrayLike],
    validation: tuple[ArrayLike, ArrayLike],
    test: tuple[ArrayLike, ArrayLike],
    *,
    protocol: ParzenSettings | None = None,
    seed: int | None = None,
    strategy: tf.distribute.Strategy | None = None,
    track: Track | None = None,
) -> LogLikelihood:
    """Log likelihood of a test set given its classes, log p(x | c): a window for each class.

    Args:
        samples: The model's samples of class 0, 1, ...: floats `[n, ...]` each.
        validation: Examples to choose the one bandwidth of all windows on, `[v, ...]`, and their
            classes, int `[v]`.
        test: Examples whose likelihood is reported, and their classes.
        protocol: The paper's MNIST protocol if None; its samples are those of all classes together.
        seed: As in `log_likelihood`.
        strategy: As in `log_likelihood`.
        track: As in `log_likelihood`.
    """
    protocol = protocol or ParzenSettings()
    if not len(samples):
        raise InputError("`samples` must hold the samples of at least one class. Received: none")
    each = max(1, protocol.samples // len(samples))
    centers = [
        as_floats(f"samples of class {c}", part, minimum=each)[:each]
        for c, part in enumerate(samples)
    ]
    dimension = centers[0].shape[1]
    rows, classes = {}, {}
    for split, (examples, labels), limit in (
        ("validation", validation, protocol.validation),
        ("test", test, None),
    ):
        rows[split] = as_floats(split, examples, dimension, limit or 1)[:limit]
        classes[split] = np.asarray(labels)[:limit]
        if (
            classes[split].shape != (len(rows[split]),)
            or classes[split].dtype.kind not in "iu"
            or not np.isin(classes[split], np.arange(len(samples))).all()
        ):
            raise InputError(
                f"the classes of `{split}` must be {len(rows[split])} ints from 0 to "
                f"{len(samples) - 1}, one for each example"
            )

    def densities(split: str, bandwidths: Sequence[float], work: str) -> np.ndarray:
        values = np.empty((len(rows[split]), len(bandwidths)))
        for c in _tracked(track, sorted(set(classes[split].tolist())), f"given the class, {work}"):
            chosen = classes[split] == c
            values[chosen] = _log_densities(
                rows[split][chosen], centers[c], bandwidths, strategy, None, ""
            )
        return values

    return _estimated(densities, protocol, each * len(samples), dimension, seed)


def _estimated(
    densities: Callable[[str, Sequence[float], str], np.ndarray],
    protocol: ParzenSettings,
    samples: int,
    dimension: int,
    seed: int | None,
) -> LogLikelihood:
    """The protocol, given log densities `[n, bandwidths]` of "validation" and "test" examples."""
    grid = protocol.grid
    on_validation = densities("validation", grid, "bandwidth")
    scores = on_validation.mean(axis=0)
    best = int(scores.argmax())
    at_edge = len(grid) > 1 and best in (0, len(grid) - 1)
    if at_edge:
        warnings.warn(
            f"the best bandwidth, {grid[best]:g}, is the {'largest' if best else 'smallest'} of the"
            f" grid: a wider grid than {grid[0]:g} to {grid[-1]:g} may give a higher likelihood",
            stacklevel=3,
        )
    chosen = [(grid[best], scores[best])]
    if protocol.refine:
        finer = np.geomspace(
            grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], REFINED_VALUES
        )
        finer_scores = densities("validation", finer.tolist(), "refined bandwidth").mean(axis=0)
        chosen.append((finer[finer_scores.argmax()], finer_scores.max()))

    values = densities("test", [bandwidth for bandwidth, _ in chosen], "test examples")
    estimates = [
        Estimate(float(bandwidth), float(score), float(column.mean()), _standard_error(column))
        for (bandwidth, score), column in zip(chosen, values.T, strict=True)
    ]
    return LogLikelihood(
        **vars(estimates[0]),
        at_edge=at_edge,
        grid=grid,
        validation_means=tuple(scores.tolist()),
        samples=samples,
        validation=len(on_validation),
        test=len(values),
        dimension=dimension,
        seed=seed,
        refined=estimates[1] if protocol.refine else None,
    )


def log_likelihood_over_folds(
    samples: ArrayLike, folds: Iterable[tuple[ArrayLike, ArrayLike]], **settings: Any
) -> FoldsLikelihood:
    """The protocol of the Toronto Face Database: a bandwidth and a mean for each fold.

    Args:
        samples: The model's samples, floats `[n, ...]`.
        folds: The validation and the test examples of each fold, two folds or more.
        **settings: As in `log_likelihood`; the paper's protocol here is
            `ParzenSettings(validation=None)`.
    """
    results = tuple(
        log_likelihood(samples, validation, test, label=f"likelihood, fold {number}", **settings)
        for number, (validation, test) in enumerate(folds)
    )
    if len(results) < 2:
        raise InputError(f"`folds` must hold at least two folds. Received: {len(results)}")
    means = np.array([result.mean for result in results])
    return FoldsLikelihood(float(means.mean()), _standard_error(means), results)


def _tracked(track: Track | None, sequence: Sequence[int], description: str) -> Iterable[int]:
    return sequence if track is None else track(sequence, description=description)


def as_floats(
    name: str, array: ArrayLike, columns: int | None = None, minimum: int = 1
) -> np.ndarray:
    """Examples `[n, ...]` as finite float32 rows `[n, d]` whose squared distances are finite."""
    array = np.asarray(array)
    if array.dtype.kind in "iub":
        raise InputError(
            f"`{name}` must be floats in the units of the bandwidths, images in [0, 1]. "
            f"Received: {array.dtype}"
        )
    rows = as_rows(name, array, minimum=minimum, columns=columns, largest=LARGEST)
    return rows.astype(np.float32, copy=False)


def _standard_error(values: np.ndarray) -> float:
    """Standard error of the mean, from the unbiased variance; NaN for one value."""
    if len(values) < 2:
        return float("nan")
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _log_densities(
    points: np.ndarray,
    centers: np.ndarray,
    bandwidths: Sequence[float],
    strategy: tf.distribute.Strategy | None,
    track: Track | None,
    description: str,
) -> np.ndarray:
    """Float64 [points, bandwidths]; the strategy's replicas take equal parts of each chunk."""
    strategy = strategy or tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    calls = math.ceil(len(points) / (POINTS_PER_CALL * replicas))
    part = math.ceil(len(points) / (calls * replicas))  # of one replica, equal in every call
    filled = np.pad(points, [(0, -len(points) % (part * replicas)), (0, 0)])
    centers = tf.constant(centers)
    sigmas = tf.broadcast_to(tf.constant(bandwidths, tf.float32), [part, len(bandwidths)])
    starts = range(0, len(filled), part * replicas)
    values: list[tf.Tensor] = []
    for start in _tracked(track, starts, description):
        rows = filled[start : start + part * replicas]
        values += on_shares(strategy, log_density, rows, centers, sigmas)
    return np.concatenate(values)[: len(points)].astype(np.float64)
