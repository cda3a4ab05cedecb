"""Messages between the processes of a run.

A run on several hosts is one process, a *worker*, on each. The first is the *chief*: it alone reads
and writes the run directory; the others learn from it what there is to do.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from keras_gan.core.errors import InputError, SurroundingsError, TrainingError
from keras_gan.experiment import cluster

_Result = TypeVar("_Result")
_PART = 4096  # bytes of a text that are sent at a time


class Workers:
    """The processes of a run; with one process, nothing is sent.

    Every worker must make the same calls in the same order.

    Attributes:
        is_chief: Whether this process is the chief.
        alone: Whether there is no other.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy = strategy
        self._cluster = tf.train.ClusterSpec({})
        self._tasks, self._index = [("worker", 0)], 0  # the chief is the first
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            resolver = strategy.cluster_resolver
            self._cluster = resolver.cluster_spec()
            tasks = cluster.tasks(self._cluster)
            if len(tasks) > 1:
                self._tasks = tasks
                self._index = tasks.index((resolver.task_type, resolver.task_id))
        self.is_chief, self.alone = self._index == 0, len(self._tasks) == 1
        self._replicas = strategy.num_replicas_in_sync // len(self._tasks)  # of each worker
        self._sum = tf.function(self._sum_over_replicas, reduce_retracing=True)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any worker."""
        return flag if self.alone else bool(self._sum([tf.constant(int(flag))])[0].numpy())

    def gather(self, text: str) -> list[str]:
        """The texts of all workers, the chief's first, on every worker."""
        if self.alone:
            return [text]
        code, parts, start, longest = text.encode(), [], 0, 1
        while start < longest:
            part = code[start : start + _PART].ljust(_PART, b"\0")
            rows = self._rows([len(code), *part])
            sizes, longest, start = rows[:, 0], rows[:, 0].max(), start + _PART
            parts.append(rows[:, 1:].astype(np.uint8))
        texts = np.concatenate(parts, axis=1)
        return [row.tobytes()[:size].decode() for row, size in zip(texts, sizes, strict=True)]

    def from_chief(self, text: str) -> str:
        """The chief's text, on every worker; the others' texts are ignored."""
        return self.gather(text if self.is_chief else "")[0]

    def together(self, work: Callable[[], _Result]) -> _Result:
        """Returns the result of this worker's work, once it has succeeded on every worker.

        Raises:
            InputError: It raised one on this worker, or on another.
        """
        try:
            result, fault = work(), None
        except InputError as error:
            fault = error
        faults = self.gather(str(fault or ""))
        if any(faults):
            self._part()
        if fault is not None:
            raise fault
        for index, text in enumerate(faults):
            if text:
                raise InputError(f"{self._name(index)}: {text}")
        return result

    def agree(self, facts: Mapping[str, Any]) -> None:
        """Compares what must be the same on every worker.

        Raises:
            InputError: On every worker, where it is not; the message names what differs.
        """
        of_chief, *others = map(json.loads, self.gather(json.dumps(facts, default=str)))
        for index, of_other in enumerate(others, start=1):
            for key in {**of_chief, **of_other}:
                one, other = of_chief.get(key), of_other.get(key)
                if one != other:
                    self._part()
                    raise InputError(
                        f"all workers must train the same: {key} is {one!r} on {self._name(0)}, "
                        f"but {other!r} on {self._name(index)}"
                    )

    def share(self, variables: Iterable[keras.Variable]) -> None:
        """Gives every worker the chief's values."""
        if self.alone:
            return
        variables = list(variables)
        values = [self._of_chief(v.value.read_value()) for v in variables]
        for variable, value in zip(variables, self._sum(values), strict=True):
            variable.assign(tf.cast(value, variable.dtype))

    @contextlib.contextmanager
    def parting(self) -> Iterator[None]:
        """Around what the workers end together: none leaves while another still reads from it.

        A worker that failed alone does not wait for the others, which learn that it is gone.
        """
        try:
            yield
        except SurroundingsError:
            raise
        except TrainingError:  # the same on all workers, as what they compute is
            self._part()
            raise
        self._part()

    def lost(self, error: tf.errors.OpError) -> str | None:
        """The worker of which an error says that it is gone, as "worker 1 (host:port)"."""
        if self.alone or "ollective" not in error.message:
            return None
        task = re.search(r"/job:(\w+)(?:/replica:\d+)?/task:(\d+)", error.message)
        if task:
            return self._named(task[1], int(task[2]))
        return self._name(1 - self._index) if len(self._tasks) == 2 else "another worker"

    def _part(self) -> None:
        """Returns once every worker has come here and so knows all that was sent before.

        A worker may miss the end of this very message, which says nothing it needs.
        """
        with contextlib.suppress(tf.errors.OpError):
            self.any(False)

    def _name(self, index: int) -> str:
        return self._named(*self._tasks[index])

    def _named(self, job: str, index: int) -> str:
        return f"{job} {index} ({self._cluster.task_address(job, index)})"

    def _of_chief(self, value: tf.Tensor) -> tf.Tensor:
        # Collectives know few types of integers; the seeds of Keras's layers are uint32.
        value = tf.cast(value, tf.int64) if value.dtype.is_integer else value
        return value if self.is_chief else tf.zeros_like(value)

    def _rows(self, row: list[int]) -> np.ndarray:
        """The rows of all workers, int32 `[workers, n]`."""
        rows = np.zeros((len(self._tasks), len(row)), np.int32)
        rows[self._index] = row
        return self._sum([tf.constant(rows)])[0].numpy()

    def _sum_over_replicas(self, values: list[tf.Tensor]) -> list[tf.Tensor]:
        """Sums over workers; of a worker's replicas the first alone counts."""

        def one_replica(values):
            context = tf.distribute.get_replica_context()
            first = tf.equal(context.replica_id_in_sync_group % self._replicas, 0)
            mine = [tf.where(first, value, tf.zeros_like(value)) for value in values]
            return [context.all_reduce(tf.distribute.ReduceOp.SUM, value) for value in mine]

        shared = self._strategy.run(one_replica, args=(values,))
        return [self._strategy.experimental_local_results(value)[0] for value in shared]
