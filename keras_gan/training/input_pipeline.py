"""The stream of examples that a step of the game takes: groups of k minibatches of m.

Data in memory are indexed: the order of an epoch is a permutation computed from (seed, epoch), so
that the step is all there is to restore, and no example comes twice in an epoch. Data on disk are
read in an order that depends on the number of workers too. Any other `tf.data` set is regrouped.
"""

from __future__ import annotations

import re

import numpy as np
import tensorflow as tf

from keras_gan.core.errors import InputError
from keras_gan.core.randomness import Purpose, StepDraws
from keras_gan.data.shards import Shards

_NONFINITE = "keras_gan found a value that is not finite in batch"


class Counted:
    """A stream of a known number of examples, of which any step can be the next.

    Args:
        examples: How many there are.
        minibatch: `m`.
        minibatches: `k`.
        seed: Fixes the order.

    Attributes:
        minibatch: `m`.
        steps_per_epoch: Whole groups in an epoch.
    """

    def __init__(self, examples: int, minibatch: int, minibatches: int, seed: int):
        if minibatch < 1:
            raise InputError(f"`batch_size` must be >= 1. Received: {minibatch}")
        self.minibatch = minibatch
        self._group = minibatch * minibatches
        self._seed = seed
        self.steps_per_epoch, self._left_over = divmod(examples, self._group)
        if not self.steps_per_epoch:
            raise InputError(
                f"the data hold {examples} examples, fewer than one step takes ({self._group}: "
                "`discriminator_steps` minibatches); use a smaller `batch_size`"
            )
        self._position = tf.Variable(0, trainable=False, dtype=tf.int64)

    def begin_epoch(self, step: int, made: int = 0) -> None:
        """The next iteration is the epoch of this step, less the steps of it already made.

        Args:
            step: Step of the run. Where no epoch begins there, the next one does.
            made: Steps of the epoch that were made before `step`.
        """
        epoch = -(-(step - made) // self.steps_per_epoch)
        self._position.assign(epoch * self.steps_per_epoch + made)

    def dropped_examples(self) -> int:
        """Examples that an epoch leaves out; other ones each epoch when shuffled."""
        return self._left_over

    def _next(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The epoch that is iterated next, and its first step."""
        position = self._position.read_value()
        return position // self.steps_per_epoch, position % self.steps_per_epoch


class IndexedStream(Counted):
    """Examples in memory, in groups of `k * m`, from any step on.

    Args:
        x: Array `[n, ...]`, float32.
        y: Array `[n, ...]` that goes with it, or None.
        minibatch: `m`.
        minibatches: `k`.
        seed: Fixes the order.
        shuffle: False keeps the order of the array, every epoch.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray | None,
        minibatch: int,
        minibatches: int,
        seed: int,
        shuffle: bool = True,
    ):
        if y is not None and len(y) != len(x):
            raise InputError(f"there are {len(x)} examples but {len(y)} labels")
        super().__init__(len(x), minibatch, minibatches, seed)
        self._shuffle = shuffle
        self._size = len(x)
        with tf.device("CPU:0"):
            self._arrays = tf.nest.map_structure(tf.constant, (x,) if y is None else (x, y))

    def dataset(self) -> tf.data.Dataset:
        """One epoch each time it is iterated; see `begin_epoch`."""

        def steps(_):
            epoch, first = self._next()
            order = self._order(epoch)
            return tf.data.Dataset.range(first, self.steps_per_epoch).map(
                lambda step: self._examples(order, step), num_parallel_calls=2, deterministic=True
            )

        dataset = tf.data.Dataset.from_tensors(0).flat_map(steps)
        return _sized(_sharded_by_data(dataset).prefetch(8), self.steps_per_epoch)

    def _order(self, epoch: tf.Tensor) -> tf.Tensor:
        """The examples of an epoch in its order: sorted by random bits."""
        if not self._shuffle:
            return tf.range(self._size)
        draws = StepDraws(self._seed, epoch, 0, Purpose.ORDER, 0, self._size)
        return tf.argsort(tf.bitcast(draws.bits([1])[:, 0], tf.int32), stable=True)

    def _examples(self, order: tf.Tensor, step: tf.Tensor):
        index = order[step * self._group : (step + 1) * self._group]
        index = tf.ensure_shape(index, [self._group])
        return tf.nest.map_structure(lambda array: tf.gather(array, index), self._arrays)


class ShardStream(Counted):
    """Examples read from disk while training goes on, in groups of `k * m`, from any step on.

    Args:
        shards: The data.
        minibatch: `m`.
        minibatches: `k`.
        seed: Fixes the order, together with the number of workers.
        strategy: Over whose workers and replicas a group is divided.
    """

    def __init__(
        self,
        shards: Shards,
        minibatch: int,
        minibatches: int,
        seed: int,
        strategy: tf.distribute.Strategy,
    ):
        super().__init__(len(shards), minibatch, minibatches, seed)
        self._shards = shards
        dataset = strategy.distribute_datasets_from_function(self._of_worker)
        self._dataset = _sized(dataset, self.steps_per_epoch)

    def _of_worker(self, context: tf.distribute.InputContext) -> tf.data.Dataset:
        workers, replicas = context.num_input_pipelines, context.num_replicas_in_sync
        share, batches = self._group // replicas, replicas // workers  # a replica's; a worker's

        def parts(_):
            epoch, first = self._next()
            examples = self._shards.read(context.input_pipeline_id, workers, self._seed, epoch)
            batched = examples.batch(share, drop_remainder=True).map(
                lambda x: self._shards.transform(x), num_parallel_calls=2, deterministic=True
            )
            return batched.skip(first * batches).take((self.steps_per_epoch - first) * batches)

        dataset = tf.data.Dataset.from_tensors(0).flat_map(parts).prefetch(4 * batches)
        return dataset.with_options(_options(dataset))

    def dataset(self) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """One epoch each time it is iterated; see `begin_epoch`."""
        return self._dataset


class Regrouped:
    """A user's `tf.data` set of batches of m, as groups of `k * m`.

    Args:
        dataset: Batches of examples; the first component of an element is the data.
        minibatches: `k`.

    Attributes:
        minibatch: `m`, the size of the user's batches.
    """

    def __init__(self, dataset: tf.data.Dataset, minibatches: int):
        x = first_component(dataset.element_spec)
        if not isinstance(x, tf.TensorSpec) or not x.shape.rank or not x.dtype.is_floating:
            raise InputError(
                "a data set must give batches of float examples, [m, ...], "
                "alone or first in a tuple. "
                f"Received: {x}"
            )
        self.minibatch = x.shape[0] or self._size_of_first(dataset)
        self._seen = tf.Variable(0, trainable=False, dtype=tf.int64)
        groups = dataset.enumerate().map(self._check_and_count)
        groups = groups.rebatch(minibatches * self.minibatch, drop_remainder=True)
        self._groups = _sharded_by_data(groups).prefetch(2)
        self._group = minibatches * self.minibatch

    def dataset(self) -> tf.data.Dataset:
        """The groups; a value that is not finite raises where it is read."""
        return self._groups

    @staticmethod
    def _size_of_first(dataset: tf.data.Dataset) -> int:
        for element in dataset.take(1):
            return int(first_component(element).shape[0])
        raise InputError("the data set is empty")

    def begin_epoch(self, step: int, made: int = 0) -> None:
        """Starts the count of examples anew, whatever the step."""
        self._seen.assign(0)

    def dropped_examples(self) -> int:
        """Examples of the epoch just read to its end that did not fill a group."""
        return int(self._seen.numpy()) % self._group

    def _check_and_count(self, batch: tf.Tensor, element):
        x = first_component(element)
        finite = tf.reduce_all(tf.math.is_finite(x))
        check = tf.debugging.Assert(finite, [_NONFINITE, batch])
        with tf.control_dependencies([check, self._seen.assign_add(tf.shape(x, tf.int64)[0])]):
            return tf.nest.map_structure(tf.identity, element)


Stream = IndexedStream | ShardStream | Regrouped


def checked_array(x) -> np.ndarray:
    """Examples in memory as float32 `[n, ...]`.

    Raises:
        InputError: They are not numbers on a continuous scale, or one is NaN or Inf.
    """
    x = np.asarray(x)
    if x.ndim < 2 or not np.issubdtype(x.dtype, np.floating):
        raise InputError(
            "the data must be float examples [n, ...] (bring images of bytes to [0, 1] first). "
            f"Received: {x.dtype} of shape {x.shape}"
        )
    if not x.size:
        raise InputError(f"the data are empty: shape {x.shape}")
    finite = np.isfinite(x).all(axis=tuple(range(1, x.ndim)))
    if not finite.all():
        raise InputError(f"example {int(np.argmin(finite))} of the data holds NaN or Inf")
    return x.astype(np.float32, copy=False)


def first_component(element):
    """The data of an element: itself, or the first of a tuple."""
    return element[0] if isinstance(element, (tuple, list)) else element


def nonfinite_batch(error: tf.errors.OpError) -> int | None:
    """The batch that `Regrouped` found NaN or Inf in, if that is what the error says."""
    found = re.search(rf"{_NONFINITE}.*?(\d+)", str(error.message), re.DOTALL)
    return int(found.group(1)) if found else None


def _sized(dataset, steps: int):
    """The data set with the size of a whole epoch, by which Keras plans its epochs.

    TensorFlow's own assertion of a size would fail in an epoch that is entered midway.
    """
    if isinstance(dataset, tf.data.Dataset):
        dataset.cardinality = lambda: tf.constant(steps, tf.int64)
    else:
        dataset._cardinality = steps
    return dataset


def _sharded_by_data(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Several workers each take their part of every group, never of the files."""
    options = _options(dataset)
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    options.deterministic = True
    return dataset.with_options(options)


def _options(dataset: tf.data.Dataset) -> tf.data.Options:
    """No tuning of threads and buffers while the set is read, unless its owner asked for it.

    The thread that tunes sleeps longer the longer an epoch is, and its end is waited for: up to an
    epoch's own time was lost there.
    """
    options = tf.data.Options()
    options.autotune.enabled = bool(dataset.options().autotune.enabled)
    return options
