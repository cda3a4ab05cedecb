"""Random bits that depend on what they are for, never on who draws them.

Training draws come from the counter-based generator Philox4x32-10 (Salmon et al. 2011): its key is
the seed and its counter says which step, minibatch, purpose, draw and *global row* the bits belong
to. A batch split over any number of replicas therefore sees the same noise, nothing but the step
has to be restored after an interruption, and two purposes can never share a number. XLA and the
plain graph give the same bits (tested on CPUs).

Samples asked for by seed come from SplitMix64 (Steele, Lea and Flood 2014), one stream a row, so
that a row is the same at any position, in any batch, in any process and in an exported graph.

    counter, low 64 bits     block of four 32-bit words: row * blocks_per_row + column // 4
    counter, high 64 bits    step (40) | minibatch (8) | purpose (4) | draw within the pass (12)
"""

from __future__ import annotations

import contextlib
import contextvars
import enum
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from keras_gan.core.arguments import integer

_PHILOX = 1  # tf.random.Algorithm.PHILOX, named here so that the choice is never left to the device
_GOLDEN = 0x9E3779B97F4A7C15
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

MAX_MINIBATCHES = 1 << 8
_MAX_DRAWS = 1 << 12


class Purpose(enum.IntEnum):
    """The purpose of a draw; each has independent random numbers."""

    LATENTS = 0
    GENERATOR = 1
    DISCRIMINATOR_REAL = 2
    DISCRIMINATOR_FAKE = 3
    EVALUATION_LATENTS = 4
    EVALUATION_GENERATOR = 5
    ORDER = 6
    CONDITION = 7
    EVALUATION_CONDITION = 8
    AUXILIARY_LATENTS = 9
    AUXILIARY_GENERATOR = 10
    AUXILIARY_NETWORK = 11
    REGULARIZER = 12
    AUGMENTATION_REAL = 13
    AUGMENTATION_FAKE = 14
    LOSS = 15


class Draws(Protocol):
    """A source of random bits for the rows of one pass through a network."""

    def bits(self, shape: Sequence[int]) -> tf.Tensor:
        """Returns fresh uint32 bits of shape `[rows, *shape]`."""


class StepDraws:
    """Philox draws for `rows` consecutive rows of one minibatch of one training step.

    Args:
        seed: Python int or scalar uint64 tensor, the run's seed (the generator's key).
        step: Scalar int tensor, the number of generator updates made before this one.
        minibatch: Python int in `[0, 255]`, which of the step's minibatches.
        purpose: The purpose of the draws.
        first_row: Scalar int tensor, the place of the first row in the *global* minibatch.
        rows: Python int or scalar int tensor, the number of rows.
    """

    def __init__(self, seed, step, minibatch: int, purpose: Purpose, first_row, rows):
        if not 0 <= minibatch < MAX_MINIBATCHES:
            raise ValueError(
                f"`minibatch` must be in [0, {MAX_MINIBATCHES}). Received: {minibatch}"
            )
        self._key = tf.reshape(_uint64(seed), [1])
        self._high = tf.bitwise.left_shift(tf.cast(step, tf.uint64), _uint64(24))
        self._stream = (minibatch << 16) | (int(purpose) << 12)
        self._first_row = tf.cast(first_row, tf.uint64)
        self._rows = rows
        self._drawn = 0

    def bits(self, shape: Sequence[int]) -> tf.Tensor:
        """Returns fresh uint32 bits of shape `[rows, *shape]`."""
        if self._drawn == _MAX_DRAWS:
            raise ValueError(f"A network may draw {_MAX_DRAWS} times in one pass, no more.")
        columns = math.prod(shape)
        blocks = -(-columns // 4)
        counter = tf.stack(
            [self._first_row * _uint64(blocks), self._high + _uint64(self._stream | self._drawn)]
        )
        self._drawn += 1
        bits = tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=[self._rows, blocks * 4],
            key=self._key,
            counter=counter,
            alg=_PHILOX,
            dtype=tf.uint32,
        )
        return tf.reshape(bits[:, :columns] if columns % 4 else bits, [self._rows, *shape])


class RowDraws:
    """SplitMix64 draws in which row `i` depends on `seeds[i]` alone.

    Args:
        seeds: int64 tensor of shape `[n]`.
        stream: First stream to use; each call of `bits` uses the next one.
    """

    def __init__(self, seeds, stream: int = 0):
        self._seeds = tf.bitcast(tf.convert_to_tensor(seeds, tf.int64), tf.uint64)
        self._stream = stream

    def bits(self, shape: Sequence[int]) -> tf.Tensor:
        """Returns fresh uint32 bits of shape `[n, *shape]`."""
        start = _mix64(self._seeds + _uint64(int(_numpy_mix64(np.uint64(self._stream)))))
        self._stream += 1
        columns = math.prod(shape)
        jumps = np.arange(1, columns + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
        words = _mix64(start[:, None] + tf.constant(jumps)[None, :])
        high = tf.cast(tf.bitwise.right_shift(words, _uint64(32)), tf.uint32)
        return tf.reshape(high, [-1, *shape])


_current: contextvars.ContextVar[Draws | None] = contextvars.ContextVar("draws", default=None)


@contextlib.contextmanager
def drawing_from(draws: Draws | None) -> Iterator[None]:
    """Layers called inside the block draw from `draws`."""
    token = _current.set(draws)
    try:
        yield
    finally:
        _current.reset(token)


def current_draws() -> Draws | None:
    """The source that layers are to draw from now, or None outside `drawing_from`."""
    return _current.get()


def required_draws(user: str) -> Draws:
    """The current source; an error that names the user if it is missing."""
    draws = _current.get()
    if draws is None:
        raise ValueError(
            f"{user} draws random numbers by the step of a GAN; elsewhere call it in "
            "`with keras_gan.randomness.drawing_from(draws):`"
        )
    return draws


def row_seeds(seed: int, n: int, first: int = 0) -> np.ndarray:
    """The seeds of rows `first ... first + n - 1` of a request for samples.

    Row `i` is output `i + 1` of SplitMix64 started at `seed`: a hash of the pair, so that requests
    with neighboring seeds share no rows.

    Args:
        seed: Any int; taken modulo 2**64.
        n: Number of rows.
        first: Index of the first row wanted.

    Returns:
        int64 array of shape `[n]`.
    """
    seed = integer("seed", seed)
    index = np.arange(first + 1, first + n + 1, dtype=np.uint64)
    state = np.uint64(seed % (1 << 64)) + index * np.uint64(_GOLDEN)
    return _numpy_mix64(state).view(np.int64)


def derived_seeds(seed: int) -> Iterator[int]:
    """Seeds of weights, one after the other, derived from one: of 31 bits, which Keras takes."""
    return (int(row_seeds(seed, 1, first=index)[0]) >> 33 for index in itertools.count())


def uniform(bits: tf.Tensor) -> tf.Tensor:
    """Maps uint32 bits to float32 in (0, 1), both ends open, in steps of 2**-23 about 1/2."""
    steps = tf.cast(
        tf.bitcast(tf.bitwise.right_shift(bits, tf.constant(9, tf.uint32)), tf.int32), tf.float32
    )
    return (steps + 0.5) * 2.0**-23


def normal(bits: tf.Tensor) -> tf.Tensor:
    """Maps uint32 bits to float32 standard normal values by inversion; |value| is at most 5.3.

    The error is at most 1e-6; compiled by XLA, whose inversion is coarser in the tails, 3e-5.
    """
    return tf.math.ndtri(uniform(bits))


def _uint64(value) -> tf.Tensor:
    if isinstance(value, int):
        return tf.constant(value % (1 << 64), tf.uint64)
    return tf.cast(value, tf.uint64)


def _mix64(x: tf.Tensor) -> tf.Tensor:
    """SplitMix64's output function; variant 13 of Stafford's mixers."""
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, _uint64(30))) * _uint64(_MIX[0])
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, _uint64(27))) * _uint64(_MIX[1])
    return tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, _uint64(31)))


def _numpy_mix64(x: np.ndarray | np.uint64):
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(_MIX[0])
        x = (x ^ (x >> np.uint64(27))) * np.uint64(_MIX[1])
        return x ^ (x >> np.uint64(31))
