"""From what a user gives `fit` and `evaluate` to the examples that a step takes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan.core.arguments import whole
from keras_gan.core.errors import InputError
from keras_gan.data.dataset import DataSet, Split
from keras_gan.data.pictures.batches import Pictures
from keras_gan.data.shards import Shards
from keras_gan.training.batch_sources import Batches, PyDatasetBatches, from_iterable
from keras_gan.training.input_checks import (
    LabelCheck,
    check_shape,
    checked_array,
    checked_labels,
    require_labels,
)
from keras_gan.training.streams import (
    IndexedStream,
    RegroupedStream,
    ShardStream,
    Stream,
    divided_by_data,
    sized,
)

_log = logging.getLogger(__name__)
_CHECKED = 1000  # of `Pictures`, which are read later
_BRINGS_ITS_OWN = "a data set brings labels and batches: give neither `y` nor `batch_size`"


def training_stream(
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    minibatches: int,
    example_shape: Sequence[int],
    label_check: LabelCheck | None,
    seed: int,
    shuffle: bool,
    strategy: tf.distribute.Strategy,
    steps_per_epoch: int | None = None,
) -> Stream:
    """The stream of groups of `k * m` examples that training takes; see `GAN.fit`.

    `minibatches` is k; `seed`, together with the epoch, fixes the order. A group is divided over
    the workers and replicas of the strategy.
    """
    source = _source(x, y, example_shape, label_check, seed, shuffle)
    minibatch = 100 if batch_size is None else whole("batch_size", batch_size)
    stream: Stream
    if isinstance(source, Batches):
        if batch_size is not None:
            raise InputError(_BRINGS_ITS_OWN)
        stream = RegroupedStream(source, minibatches, steps_per_epoch)
    elif isinstance(source, Shards):
        stream = ShardStream(source, minibatch, minibatches, seed, strategy)
    else:
        stream = IndexedStream(*source, minibatch, minibatches, seed, shuffle)
    if label_check is None and isinstance(stream.dataset().element_spec, tuple):
        _log.warning("the data come with labels, which this loss does not use")
    return stream


def evaluation_data(
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    example_shape: Sequence[int],
    label_check: LabelCheck | None,
) -> tf.data.Dataset:
    """Batches `x` or `(x, y)` for `evaluate`, in the order of the data, of any number."""
    source = _source(x, y, example_shape, label_check)
    size = 32 if batch_size is None else whole("batch_size", batch_size)
    if isinstance(source, Batches):
        dataset = source.dataset
    elif isinstance(source, Shards):
        examples = source.read(0, 1, 0, tf.constant(0, tf.int64))
        dataset = examples.batch(size).map(lambda x: source.transform(x))
    elif isinstance(pictures := source[0], Pictures):
        dataset = tf.data.Dataset.range(len(pictures)).batch(size).map(pictures.batch)
        if source[1] is not None:
            labels = tf.data.Dataset.from_tensor_slices(source[1]).batch(size)
            dataset = tf.data.Dataset.zip(dataset, labels)
    else:
        with tf.device("CPU:0"):
            arrays = source[0] if source[1] is None else source
            dataset = tf.data.Dataset.from_tensor_slices(arrays).batch(size)
    dataset = divided_by_data(dataset).prefetch(2)
    if isinstance(source, Batches) and source.length is not None:
        return sized(dataset, source.length)
    return dataset


def _source(
    x: Any,
    y: Any,
    example_shape: Sequence[int],
    label_check: LabelCheck | None,
    seed: int = 0,
    shuffle: bool = False,
) -> Batches | Shards | tuple[np.ndarray | Pictures, np.ndarray | None]:
    """The user's data, checked: batches, shards, or examples and labels."""
    if isinstance(x, tf.distribute.DistributedDataset):
        raise InputError("give the tf.data.Dataset itself: GAN distributes it over the replicas")
    if isinstance(x, (DataSet, Split)):
        raise InputError(
            "give the examples of a split on the networks' scale, such as "
            "`keras_gan.data.SymmetricRange().normalize(data_set.train.x)`, and their labels as "
            f"`y` where they are needed. Received: {type(x).__name__}"
        )
    is_array = hasattr(x, "__array__") or isinstance(x, (list, tuple, str, Mapping))
    if isinstance(x, Pictures):
        check_shape(x.shape, example_shape)
        checked_array(x.transform(x.sample[:_CHECKED]))
        return x, checked_labels(y, len(x), label_check)
    if is_array or not isinstance(x, (Shards, keras.utils.PyDataset, Iterable)):
        x = checked_array(x, example_shape)
        return x, checked_labels(y, len(x), label_check)
    if y is not None:
        raise InputError(_BRINGS_ITS_OWN)
    if isinstance(x, Shards):
        check_shape(x.shape, example_shape)
        require_labels(False, label_check)
        return x
    if isinstance(x, keras.utils.PyDataset):
        return PyDatasetBatches(x, example_shape, label_check, seed, shuffle)
    if isinstance(x, tf.data.Dataset):
        return Batches(x, example_shape, label_check)
    return from_iterable(x, example_shape, label_check)
