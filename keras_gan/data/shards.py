"""Training examples that stay on disk, read from the files of tensorflow-datasets during training.

    each worker      reads its own part of the examples, and opens the files of that part only
    each epoch       reads every example of the part once: files in a random order, several in
                     turn, then a shuffle buffer of a given size
    memory           the buffer and a few batches

The order is a function of the seed, the epoch and the number of workers. Files may be local or on
any file system that TensorFlow reads ("gs://...").
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_gan.core.errors import InputError
from keras_gan.core.randomness import Purpose, StepDraws
from keras_gan.data import from_tfds
from keras_gan.data.dataset import DataSet
from keras_gan.data.preprocessing import UnitRange

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

_SAMPLE, _SAMPLE_BYTES = 10_000, 64 << 20  # of each split, held in memory for `DataSet`
_FILES_AT_ONCE, _BLOCK = 16, 32  # files read in turn, records of each turn


@dataclasses.dataclass(frozen=True)
class Shards:
    """Examples of a TFDS split that are read during training; `fit` takes it as data.

    Args:
        builder: The prepared data set.
        split: TFDS's name of the split, slices included ("train[:-1000]").
        image: Name of the feature that is the example.
        shape: Shape of one example.
        buffer_bytes: Bytes of the shuffle buffer.
        transform: To the networks' scale: from uint8 `[n, ...]` to float32 `[n, ...]`.
    """

    builder: tfds.core.DatasetBuilder
    split: str
    image: str
    shape: tuple[int, ...]
    buffer_bytes: int = 256 << 20
    transform: Callable[[Any], Any] = UnitRange().normalize

    def __len__(self) -> int:
        return self.builder.info.splits[self.split].num_examples

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that identify the files, by their names, counts and sizes."""
        info = self.builder.info
        parts = [info.full_name, self.split]
        for name in sorted(info.splits):
            parts += [name, str(info.splits[name].shard_lengths), str(info.splits[name].num_bytes)]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()

    def read(self, worker: int, workers: int, seed: int, epoch: tf.Tensor) -> tf.data.Dataset:
        """Part `worker` (from 0) of `workers`, uint8 examples in an order fixed by seed and epoch.

        `epoch` is a scalar int64 tensor.
        """
        part = len(self) // workers
        if not part:
            raise InputError(f"{len(self)} examples are too few for {workers} workers")
        files = self._files(worker * part, part)
        draws = StepDraws(seed, epoch, 0, Purpose.ORDER, 0, len(files) + 1)
        keys = tf.cast(draws.bits([1])[:, 0], tf.int64)
        order = tf.argsort(keys[:-1], stable=True)
        names, skips, takes = zip(*files, strict=True)
        columns = (tf.constant(names), tf.constant(skips, tf.int64), tf.constant(takes, tf.int64))
        rows = tuple(tf.gather(column, order) for column in columns)

        def records(name, skip, take):
            return tf.data.TFRecordDataset(name, buffer_size=1 << 20).skip(skip).take(take)

        def example(record):
            image = self.builder.info.features.deserialize_example(record)[self.image]
            return tf.ensure_shape(image, self.shape)

        examples = tf.data.Dataset.from_tensor_slices(rows).interleave(
            records,
            cycle_length=min(_FILES_AT_ONCE, len(files)),
            block_length=_BLOCK,
            num_parallel_calls=min(2, len(files)),
            deterministic=True,
        )
        examples = examples.map(example, num_parallel_calls=os.cpu_count(), deterministic=True)
        if not tf.executing_eagerly():
            # Only for this function's graph: a user's global seed must not change the order.
            tf.random.set_seed(None)
        size = max(1, min(part, self.buffer_bytes // math.prod(self.shape)))
        return examples.shuffle(size, seed=keys[-1], reshuffle_each_iteration=False)

    def _files(self, first: int, count: int) -> list[tuple[str, int, int]]:
        """The files of `count` examples from `first` on, as (name, records to skip, to take)."""
        files = []
        for file in self.builder.info.splits[self.split].file_instructions:
            here = file.take if file.take >= 0 else file.examples_in_shard - file.skip
            skip = min(first, here)
            first -= skip
            take = min(count, here - skip)
            count -= take
            if take:
                files.append((os.fspath(file.filename), file.skip + skip, take))
        return files


def in_memory(shape: tuple[int, ...]) -> int:
    """How many examples of this shape are held in memory where all may be too many."""
    return max(1, min(_SAMPLE, _SAMPLE_BYTES // math.prod(shape)))


def open_shards(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
    buffer_bytes: int = 256 << 20,
) -> tuple[DataSet, Shards]:
    """Opens a data set of TFDS, stored as TFRecords, whose training examples stay on disk.

    The first arguments are those of `load`, but `data_dir` may be a URL.

    Returns:
        The data set with at most 10,000 examples and 64 MiB of each split in memory (for
        preprocessing, figures and evaluation), and the shards of all training examples. Missing
        splits are cut from the end of `train`, which TFDS stores in random order: a tenth of it
        each, at most as many examples as are held in memory.
    """
    if name in from_tfds.OWN_NAMES or (
        os.path.exists(name) and name.partition("/")[0] not in from_tfds.names()
    ):
        raise InputError(f"{name} is no data set of tensorflow-datasets: `load` takes it")
    builder = from_tfds.prepared(name, data_dir, download)
    if builder.info.file_format is None or builder.info.file_format.value != "tfrecord":
        raise InputError(
            f"{name} is stored as {builder.info.file_format}; only TFRecord files can be streamed"
        )
    own = from_tfds.split_names(builder)
    end = builder.info.splits["train"].num_examples
    shape = from_tfds.read(builder, "train[:1]").x.shape[1:]
    most = in_memory(shape)
    held = min(most, end // 10)
    splits = {}
    for which in ("test", "validation"):
        if which in own:
            splits[which] = f"{which}[:{most}]"
        else:
            splits[which] = f"train[{end - held}:{end}]"
            end -= held
    train, validation, test = f"train[:{end}]", splits["validation"], splits["test"]
    use = f"{train} to train on, {validation} for validation, {test} to test"
    data_set = DataSet(
        name,
        from_tfds.read(builder, f"train[:{min(most, end)}]"),
        from_tfds.read(builder, validation),
        from_tfds.read(builder, test),
        from_tfds.label_names(builder),
        f"{name} {builder.version} (tensorflow-datasets), streamed; {use}",
        (f"{name}: {use}; images are read as they are stored, without labels",),
    )
    return data_set, Shards(builder, train, from_tfds.image_key(builder), shape, buffer_bytes)
