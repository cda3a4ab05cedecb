"""The calls of a client, without any network: row seeds, batches and retries.

The synchronous and the asyncio client run the same coroutines. Each client has its own functions to
make a call and to wait between two attempts; those of the synchronous client never suspend.
"""

from __future__ import annotations

import itertools
import operator
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.errors import (
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    ServingError,
    Unavailable,
)

Arrays = Mapping[str, np.ndarray]
# A request that is too large, in the words of this server, of gRPC and of TensorFlow.
_SIZE = re.compile(r"\b(rows|bytes|larger than max|OOM)\b")
_FIRST_PAUSE = 0.1  # seconds
_GOLDEN, _MIX1, _MIX2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
MAX_VERSION = 2**63 - 1


@dataclass(frozen=True)
class Target:
    """A model, and its version or a version's label; with neither, the latest version."""

    model: str
    version: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class Predict:
    """Run a signature; the answer is the outputs, alias to array."""

    target: Target
    signature: str
    inputs: Arrays


@dataclass(frozen=True)
class Status:
    """Ask for the state of a model's versions; the answer is a list of VersionStatus."""

    target: Target


@dataclass(frozen=True)
class Metadata:
    """Ask for a version's signatures; the answer is a ModelMetadata."""

    target: Target


Call = Predict | Status | Metadata


@dataclass(frozen=True)
class VersionStatus:
    """One version's state (START, LOADING, AVAILABLE, UNLOADING, END), and what went wrong."""

    version: int
    state: str
    error: str = ""


@dataclass(frozen=True)
class TensorSpec:
    """An input or an output: the protocol's name of the dtype, and the shape (-1: any size)."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ModelMetadata:
    """A version and its signatures: name to inputs and outputs."""

    model: str
    version: int
    inputs: Mapping[str, Mapping[str, TensorSpec]]
    outputs: Mapping[str, Mapping[str, TensorSpec]]


def row_seeds(seed: int, n: int) -> np.ndarray:
    """The seeds of rows 0 to n-1: outputs 1 to n of SplitMix64 (Steele, Lea and Flood 2014).

    Row i depends on `seed` and i alone, so an image does not depend on the batch that it comes in.
    `seed`, any integer, is taken modulo 2^64; the result is int64 [n].
    """
    seed = operator.index(seed)  # NumPy's integers would overflow
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64
        z = np.uint64(seed % (1 << 64)) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX1)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(_MIX2)
    return (z ^ (z >> np.uint64(31))).view(np.int64)


async def predict_rows(
    ask: Callable[[Call], Awaitable],
    target: Target,
    signature: str,
    inputs: Arrays,
    batch_size: int | None = None,
) -> Arrays:
    """Runs a signature on rows; where the server refuses so many at once, on half as many.

    One version answers all rows: where it is unloaded meanwhile, the next one, from the first row.
    """
    if not all(array.ndim for array in inputs.values()):  # a single number is in no row
        return await ask(Predict(target, signature, inputs))
    rows = len(next(iter(inputs.values())))
    answers: list[Arrays] = []
    unloaded: list[Target] = []
    size, start = max(1, min(batch_size or rows, rows)), 0
    one = target  # with its version, once there are several batches
    while start < rows or not answers:
        if one.version is None and size < rows:
            one = await _with_version(ask, target)
        batch = {alias: array[start : start + size] for alias, array in inputs.items()}
        try:
            answers.append(await ask(Predict(one, signature, batch)))
        except (ResourceExhausted, InvalidArgument) as error:
            if size == 1 or not _too_large(error):
                raise
            size = (size + 1) // 2
            continue
        except NotFound:
            if one == target:
                raise
            unloaded.append(one)
            one = await _with_version(ask, target)
            if one in unloaded:
                raise
            answers, start = [], 0
            continue
        start += size
    if len(answers) == 1:
        return answers[0]
    return {alias: np.concatenate([answer[alias] for answer in answers]) for alias in answers[0]}


async def _with_version(ask: Callable[[Call], Awaitable], target: Target) -> Target:
    """The version that a target is now."""
    metadata = await ask(Metadata(target))
    return Target(target.model, metadata.version)


def _too_large(error: ServingError) -> bool:
    if isinstance(error, ResourceExhausted):
        return _SIZE.search(error.message) is not None
    return error.message.startswith("Task size")


async def attempts(
    send: Callable[[Call, float], Awaitable],
    wait: Callable[[float], Awaitable],
    call: Call,
    seconds: float,
    retries: int,
) -> Any:
    """Makes a call, and again after UNAVAILABLE: the server did not accept it, or is starting.

    No call changes anything on the server, so each may be repeated. Pauses are doubled each time,
    and shortened at random by up to a half, so that clients do not all come back together.
    """
    deadline = time.monotonic() + seconds
    refused: ServingError | None = None
    for attempt in itertools.count():
        left = deadline - time.monotonic()
        if left <= 0:  # also after a pause that was longer than asked for
            raise refused or DeadlineExceeded(f"No answer within {seconds:g} seconds.")
        try:
            return await send(call, left)
        except Unavailable as error:
            refused = error
            pause = _FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.0)
            if attempt >= retries or pause >= deadline - time.monotonic():
                raise
        await wait(pause)
