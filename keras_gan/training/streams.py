"""Streams of the examples that a training step takes: groups of k minibatches of m.

Data in memory are indexed: the order of an epoch is a permutation computed from (seed, epoch), so
that the step is all there is to restore, and no example comes twice in an epoch. Data on disk are
read in an order that depends on the number of workers too. Any other batches are regrouped.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from keras_gan.core.arguments import whole
from keras_gan.core.errors import InputError
from keras_gan.core.keras_private import set_cardinality
from keras_gan.core.randomness import Purpose, StepDraws
from keras_gan.data.pictures.batches import Pictures
from keras_gan.data.shards import Shards
from keras_gan.training.batch_sources import Batches


class SizedStream:
    """A stream of a known number of examples, of which any step can be the next.

    Attributes:
        minibatch: `m`.
        steps_per_epoch: Whole groups in an epoch.
    """

    _dataset: tf.data.Dataset | tf.distribute.DistributedDataset

    def __init__(self, examples: int, minibatch: int, minibatches: int):
        self.minibatch = whole("batch_size", minibatch)
        self._group = minibatch * minibatches
        self.steps_per_epoch, self._dropped_examples = divmod(examples, self._group)
        if not self.steps_per_epoch:
            raise InputError(
                f"the data hold {examples} examples, fewer than one step takes: {self._group}, "
                f"`batch_size` {self.minibatch} times `discriminator_steps`; use a smaller "
                "`batch_size`"
            )
        self._position = tf.Variable(0, trainable=False, dtype=tf.int64)

    def dataset(self) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """One epoch each time it is iterated; see `begin_epoch`."""
        return self._dataset

    def begin_epoch(self, step: int, steps_done: int = 0) -> None:
        """Makes the next iteration that of the epoch of this step of the run.

        `steps_done` steps of the epoch were taken before. Where no epoch begins, the next one does.
        """
        epoch = -(-(step - steps_done) // self.steps_per_epoch)
        self._position.assign(epoch * self.steps_per_epoch + steps_done)

    def end_epoch(self) -> None:
        """Nothing is to be done at the end of an epoch."""

    def dropped_examples(self) -> int:
        """Examples that an epoch leaves out; other ones each epoch when shuffled."""
        return self._dropped_examples

    def _next(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The epoch that is iterated next, and its first step."""
        position = self._position.read_value()
        return position // self.steps_per_epoch, position % self.steps_per_epoch


class IndexedStream(SizedStream):
    """Examples `x`, and `y` `[n, ...]` or None, in groups of `k * m`.

    `x` is an array float32 `[n, ...]`, of which TensorFlow makes a copy, or `Pictures`, of which
    each group is read when it is needed. The seed fixes the order, and what is mirrored; without
    `shuffle` the order is that of the arrays, every epoch.
    """

    def __init__(
        self,
        x: np.ndarray | Pictures,
        y: np.ndarray | None,
        minibatch: int,
        minibatches: int,
        seed: int,
        shuffle: bool = True,
    ):
        size = len(x)
        super().__init__(size, minibatch, minibatches)
        with tf.device("CPU:0"):
            array = None if isinstance(x, Pictures) else tf.constant(x)
            labels = None if y is None else tf.constant(y)

        @tf.autograph.experimental.do_not_convert
        def steps(_):
            epoch, first = self._next()
            draws = StepDraws(seed, epoch, 0, Purpose.ORDER, 0, size)
            order = tf.range(size)
            if shuffle:  # sorts by random bits
                order = tf.argsort(tf.bitcast(draws.bits([1])[:, 0], tf.int32), stable=True)
            mirrored = None
            if isinstance(x, Pictures) and x.flip:
                mirrored = draws.bits([1])[:, 0] < 1 << 31

            def group(step):
                index = order[step * self._group : (step + 1) * self._group]
                index = tf.ensure_shape(index, [self._group])
                if isinstance(x, Pictures):
                    rows = x.batch(index, None if mirrored is None else tf.gather(mirrored, index))
                else:
                    rows = tf.gather(array, index)
                return rows if labels is None else (rows, tf.gather(labels, index))

            return tf.data.Dataset.range(first, self.steps_per_epoch).map(
                group, num_parallel_calls=2, deterministic=True
            )

        dataset = divided_by_data(tf.data.Dataset.from_tensors(0).flat_map(steps)).prefetch(8)
        self._dataset = sized(dataset, self.steps_per_epoch)


class ShardStream(SizedStream):
    """Examples read from disk while training goes on, in groups of `k * m`, from any step on.

    The seed fixes the order, together with the number of the strategy's workers.
    """

    def __init__(
        self,
        shards: Shards,
        minibatch: int,
        minibatches: int,
        seed: int,
        strategy: tf.distribute.Strategy,
    ):
        super().__init__(len(shards), minibatch, minibatches)

        def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            workers, replicas = context.num_input_pipelines, context.num_replicas_in_sync
            share, batches = self._group // replicas, replicas // workers  # a replica's; a worker's

            @tf.autograph.experimental.do_not_convert
            def steps(_):
                epoch, first = self._next()
                examples = shards.read(context.input_pipeline_id, workers, seed, epoch)
                batched = examples.batch(share, drop_remainder=True).map(
                    lambda x: shards.transform(x), num_parallel_calls=2, deterministic=True
                )
                return batched.skip(first * batches).take((self.steps_per_epoch - first) * batches)

            dataset = tf.data.Dataset.from_tensors(0).flat_map(steps).prefetch(4 * batches)
            return dataset.with_options(_options(dataset))

        dataset = strategy.distribute_datasets_from_function(of_worker)
        self._dataset = sized(dataset, self.steps_per_epoch)


class RegroupedStream:
    """A user's batches of m, as groups of `k * m`.

    With a number of steps that an epoch is asked to have, data that end together with an epoch
    begin again. Keras goes on there, and would find nothing.

    Attributes:
        minibatch: `m`, the size of the first batch.
        steps_per_epoch: None; an epoch ends where the batches do.
    """

    steps_per_epoch = None

    def __init__(self, batches: Batches, minibatches: int, steps_asked_for: int | None = None):
        self.minibatch = batches.minibatch
        self._batches = batches
        self._group = minibatches * self.minibatch
        self._examples_read = tf.Variable(0, trainable=False, dtype=tf.int64)
        groups = batches.dataset.map(self._count).rebatch(self._group, drop_remainder=True)
        self._groups = divided_by_data(groups).prefetch(2)
        if batches.dataset.cardinality() == tf.data.INFINITE_CARDINALITY:  # which is lost in groups
            sized(self._groups, tf.data.INFINITE_CARDINALITY)
        elif steps_asked_for and not batches.read_once:
            self._groups = _beginning_again(self._groups, steps_asked_for)

    def dataset(self) -> tf.data.Dataset:
        """The groups."""
        return self._groups

    def begin_epoch(self, step: int, steps_done: int = 0) -> None:
        """Starts to count examples anew, whatever the step."""
        self._examples_read.assign(0)
        self._batches.begin_epoch(step)

    def end_epoch(self) -> None:
        """Tells the source of the batches."""
        self._batches.end_epoch()

    def dropped_examples(self) -> int:
        """Examples of the epoch just read to its end that did not fill a group."""
        return int(self._examples_read.numpy()) % self._group

    @tf.autograph.experimental.do_not_convert
    def _count(self, *batch):
        rows = tf.shape(batch[0], tf.int64)[0]
        with tf.control_dependencies([self._examples_read.assign_add(rows)]):
            batch = tf.nest.map_structure(tf.identity, batch)
        return batch if len(batch) > 1 else batch[0]


def _beginning_again(groups: tf.data.Dataset, steps: int) -> tf.data.Dataset:
    """The groups over and over, up to an end that is not the end of an epoch of so many steps.

    They begin again when the next epoch asks for them, and not before: the order may be its own.
    """

    def count(made: tf.Tensor, numbered: tuple) -> tuple:
        number, group = numbered
        ended_within = (number == 0) & (made % steps > 0)
        return made + 1, (ended_within, group)

    counted = groups.enumerate().repeat().scan(tf.constant(0, tf.int64), count)
    return counted.take_while(lambda ended, _: ~ended).map(lambda _, group: group)


Stream = IndexedStream | ShardStream | RegroupedStream


def sized(dataset, steps: int):
    """The data set with the size of a whole epoch, by which Keras plans its epochs.

    TensorFlow's own assertion of a size would fail in an epoch that is entered midway.
    """
    if isinstance(dataset, tf.data.Dataset):
        dataset.cardinality = lambda: tf.constant(steps, tf.int64)
    else:
        set_cardinality(dataset, steps)
    return dataset


def divided_by_data(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The data set with an order of its own, of which workers divide groups and never files."""
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
