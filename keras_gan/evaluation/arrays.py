"""Checks of the arrays that evaluators are given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError

_BLOCK = 1000
_NUMBERS = 2**23  # the most in one block of pairs: 64 MiB in float64


def as_rows(
    name: str,
    array: ArrayLike,
    *,
    minimum: int = 1,
    columns: int | None = None,
    largest: float = float(np.finfo(np.float32).max),
) -> np.ndarray:
    """Examples `[n, ...]` as finite rows `[n, columns]`: float64 where `array` is, else float32.

    There must be at least `minimum`, of `columns` numbers each if that is known, none of them
    beyond `largest`: within float32, squares and their cubes are finite in float64. `name` is the
    argument's name, for messages.
    """
    array = as_examples(name, array, minimum=minimum)
    rows = array.reshape(len(array), -1)
    if columns is not None and rows.shape[1] != columns:
        raise InputError(
            f"`{name}` must hold examples of {columns} numbers; received shape {array.shape}"
        )
    if not np.can_cast(rows.dtype, np.float32, "same_kind"):  # complex ones would lose a part
        raise InputError(f"`{name}` must hold real numbers. Received: {rows.dtype}")
    if rows.dtype != np.float64:
        rows = rows.astype(np.float32, copy=False)
    usable = np.maximum(rows.max(axis=1), -rows.min(axis=1)) <= largest  # not where one is NaN
    if not usable.all():
        raise InputError(
            f"`{name}` holds NaN or infinite numbers, or some beyond {largest:.2g}, first in "
            f"example {usable.argmin()}"
        )
    return rows


def as_examples(name: str, array: ArrayLike, *, minimum: int = 1) -> np.ndarray:
    """At least `minimum` examples `[n, ...]` as they are; a mapped file stays one."""
    try:
        array = np.asanyarray(array)
    except ValueError as error:  # a list of examples of several lengths
        raise InputError(f"`{name}` must be one array of examples, [n, ...]") from error
    if array.ndim < 2 or len(array) < minimum or array.size == 0:
        raise InputError(
            f"`{name}` must hold at least {minimum} examples, [n, ...]; "
            f"received shape {array.shape}"
        )
    return array


def equal_numbers(
    real: np.ndarray, generated: np.ndarray, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """As many examples of either kind as the smaller set has, `[min(n, m), ...]` each.

    Real ones are taken in an order drawn with the seed; generated ones have no order: the first.
    """
    n = min(len(real), len(generated))
    return real[np.random.default_rng(seed).permutation(len(real))[:n]], generated[:n]


def equal_rows(
    real: ArrayLike, generated: ArrayLike, *, minimum: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of as many examples of either kind; see `as_rows` and `equal_numbers`."""
    x = as_rows("real", real, minimum=minimum)
    y = as_rows("generated", generated, minimum=minimum, columns=x.shape[1])
    return equal_numbers(x, y, seed)


def distinct(rows: np.ndarray) -> np.ndarray:
    """The rows `[n, d]` without repetitions, in the order of their first."""
    return np.concatenate(list(distinct_blocks([rows])))


def distinct_blocks(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Blocks of rows `[n, d]` without rows that any of them had before; none is empty."""
    seen: set[bytes] = set()
    for rows in blocks:
        new = []
        for place, row in enumerate(rows):
            # By a hash: sorting takes long, and the rows as keys much memory. + 0.0 makes -0.0 to
            # 0.0.
            digest = hashlib.blake2b((row + 0.0).tobytes(), digest_size=16).digest()
            if digest not in seen:
                seen.add(digest)
                new.append(place)
        if new:
            yield rows[new]


def in_blocks(
    name: str, array: np.ndarray, prepare: Callable[[np.ndarray], ArrayLike]
) -> Iterator[np.ndarray]:
    """Examples `[n, ...]`, prepared, as finite rows `[m, d]`, 1,000 at a time."""
    for start in range(0, len(array), _BLOCK):
        yield as_rows(name, prepare(array[start : start + _BLOCK]))


def row_blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of rows, so that each block of pairs with so many columns takes 64 MiB at most."""
    step = max(1, _NUMBERS // columns)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))
