"""Batches from `tf.data`, a `PyDataset`, a generator or an iterable, as a checked `tf.data` set."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan.core.errors import InputError
from keras_gan.training.input_checks import LabelCheck, checked_batches, x_and_y


class Batches:
    """Batches of a `tf.data` set, checked.

    Attributes:
        dataset: Batches `x` or `(x, y)`, float32 `[m, *example_shape]` and labels.
        length: Number of batches, where `dataset` does not know it, or None.
        read_once: Whether they can be read to their end only once.
    """

    length: int | None = None
    read_once = False

    def __init__(
        self,
        dataset: tf.data.Dataset,
        example_shape: Sequence[int],
        label_check: LabelCheck | None,
        minibatch: int | None = None,
    ):
        self.dataset = checked_batches(dataset, example_shape, label_check)
        self._source, self._minibatch = dataset, minibatch

    @property
    def minibatch(self) -> int:
        """Size of the first batch, which is read if the size is neither given nor static."""
        size = self._minibatch or x_and_y(self._source.element_spec)[0].shape[0]
        if size is None:
            for batch in self._source.take(1):
                size = int(tf.shape(x_and_y(batch)[0])[0])
        if not size:
            raise InputError("the data set is empty")
        return size

    def begin_epoch(self, step: int) -> None:
        """An epoch begins at this step of the run."""

    def end_epoch(self) -> None:
        """An epoch has ended."""


class PyDatasetBatches(Batches):
    """Batches of a `keras.utils.PyDataset`, read by index in as many threads as it has workers.

    With `shuffle`, the seed fixes their order, together with the step an epoch begins at.
    """

    def __init__(
        self,
        data: keras.utils.PyDataset,
        example_shape: Sequence[int],
        label_check: LabelCheck | None,
        seed: int,
        shuffle: bool,
    ):
        self._data, self._seed, self._shuffle, self._step = data, seed, shuffle, 0
        self.length = data.num_batches
        if self.length == 0:
            raise InputError("the data set is empty")
        first = _arrays(data[0])
        signature = _signature(first)
        flat = tf.nest.flatten(signature)

        def read(index: np.ndarray) -> list[np.ndarray]:
            return tf.nest.flatten(_arrays(data[int(index)], signature))

        @tf.autograph.experimental.do_not_convert
        def batch(index: tf.Tensor) -> Any:
            tensors = tf.numpy_function(read, [index], [spec.dtype for spec in flat])
            shaped = [tf.ensure_shape(t, s.shape) for t, s in zip(tensors, flat, strict=True)]
            return tf.nest.pack_sequence_as(signature, shaped)

        indices = tf.data.Dataset.from_generator(
            self._indices, output_signature=tf.TensorSpec((), tf.int64)
        )
        if self.length is None:
            endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
            indices = indices.apply(endless)
        dataset = indices.map(batch, num_parallel_calls=max(1, data.workers), deterministic=True)
        super().__init__(dataset, example_shape, label_check, len(tf.nest.flatten(first)[0]))

    def begin_epoch(self, step: int) -> None:
        self._step = step
        self._data.on_epoch_begin()

    def end_epoch(self) -> None:
        self._data.on_epoch_end()

    def _indices(self) -> Iterable[int]:
        """The indices of an epoch; without end where the data have none."""
        count = self._data.num_batches
        if count is None:
            return itertools.count()
        if self._shuffle:
            return np.random.RandomState([self._seed % 2**32, self._step]).permutation(count)
        return range(count)


def from_iterable(
    data: Iterable, example_shape: Sequence[int], label_check: LabelCheck | None
) -> Batches:
    """Batches of a generator, which is read once, or of an iterable, anew each epoch."""
    iterator = iter(data)
    first = next(iterator, None)
    if first is None:
        raise InputError("the data set is empty")
    arrays = _arrays(first)
    signature = _signature(arrays)
    whole = _Once(itertools.chain([first], iterator)) if iterator is data else data
    dataset = tf.data.Dataset.from_generator(
        lambda: (_arrays(batch, signature) for batch in whole), output_signature=signature
    )
    batches = Batches(dataset, example_shape, label_check, len(tf.nest.flatten(arrays)[0]))
    batches.read_once = iterator is data
    return batches


class _Once:
    """An iterator that continues where its last reader stopped, until it ends."""

    def __init__(self, iterator: Iterator):
        self._iterator, self._ended = iterator, False

    def __iter__(self) -> Iterator:
        if self._ended:
            raise InputError(
                "a generator is read once, and this one has ended: give `steps_per_epoch` and a "
                "generator without end, or a tf.data.Dataset or keras.utils.PyDataset"
            )
        yield from self._iterator
        self._ended = True


def _arrays(batch: Any, signature: Any = None) -> Any:
    """A batch `x` or `(x, y)` as arrays of the types and shapes of the first batch."""
    x, y = x_and_y(batch)
    if isinstance(x, (dict, tuple, list)) or not np.ndim(x):
        raise InputError(
            "a batch must be one array of float examples [m, ...], alone or first in a tuple. "
            f"Received: {type(x).__name__}"
        )
    y = np.asarray(y) if isinstance(y, list) else y  # as tf.data does
    arrays = tf.nest.map_structure(np.asarray, x if y is None else (x, y))
    flat = tf.nest.flatten(arrays)
    if not all(a.ndim for a in flat):
        raise InputError(f"labels must be arrays [m, ...]. Received: {type(y).__name__} of scalars")
    if signature is None:
        return arrays
    specs = tf.nest.flatten(signature)
    shapes, expected = [a.shape[1:] for a in flat], [tuple(spec.shape[1:]) for spec in specs]
    if shapes != expected:
        raise InputError(f"batches must have the first one's shapes {expected}. Received: {shapes}")
    with np.errstate(all="ignore"):  # what a type cannot hold is found below, or in float32
        cast = [a.astype(s.dtype.as_numpy_dtype) for a, s in zip(flat, specs, strict=True)]
    for given, labels in zip(flat[1:], cast[1:], strict=True):
        if labels.dtype.kind in "biu" and not np.array_equal(given, labels):
            raise InputError(
                f"labels must have one type in all batches: {labels.dtype} as in the first one. "
                f"Received: {given.dtype}"
            )
    return tf.nest.pack_sequence_as(signature, cast)


def _signature(arrays: Any) -> Any:
    return tf.nest.map_structure(lambda a: tf.TensorSpec([None, *a.shape[1:]], a.dtype), arrays)
