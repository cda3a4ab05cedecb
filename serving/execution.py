"""Runs signatures off the event loop, each request alone or several in a batch.

Batches follow TensorFlow Serving's parameters. All bookkeeping happens on the event loop, so there
is no lock; threads only run batches. While every thread is busy, the open batch of a signature
grows; a free thread takes the oldest batch that is full or has waited long enough. Only requests of
one kind (same outputs, dtypes and row shapes) share a batch, and when a batch fails, its requests
run one by one: a bad request never fails another client's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from serving.config import Batching
from serving.errors import FailedPrecondition, InvalidArgument, Unavailable
from serving.loader import Servable

Arrays = dict[str, np.ndarray]
_Result = Arrays | Exception


class DirectExecutor:
    """Runs each request as it is."""

    def __init__(self, threads: int, max_waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="execution")
        self._capacity = threads + max_waiting

    async def run(
        self,
        servable: Servable,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str],
    ) -> Arrays:
        """Runs a signature, unless the caller is cancelled first."""
        if not self._capacity:
            raise Unavailable("The server is busy: too many requests wait for execution.")
        self._capacity -= 1
        cancelled = False

        def work() -> Arrays:
            if cancelled:
                return {}
            return servable.run(servable.signatures[signature], inputs, outputs)

        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # Not before: a cancelled request is in the threads' queue until one of them takes it.
        running.add_done_callback(self._free)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            cancelled = True
            raise

    def _free(self, done: asyncio.Future) -> None:
        self._capacity += 1

    def close(self) -> None:
        """Waits for running requests and ends the threads."""
        self._threads.shutdown()


@dataclass(eq=False)
class _Task:
    inputs: Arrays
    rows: int
    result: asyncio.Future


@dataclass(eq=False)
class _Batch:
    servable: Servable
    signature: str
    outputs: tuple[str, ...]
    kind: tuple
    opened: float
    tasks: list[_Task] = field(default_factory=list)
    rows: int = 0


class BatchingExecutor:
    """Runs requests in batches; the methods are those of `serving.execution.DirectExecutor`."""

    def __init__(self, parameters: Batching) -> None:
        self.parameters = parameters
        self._largest = parameters.max_execution_batch_size or parameters.max_batch_size
        self._timeout = parameters.batch_timeout_micros / 1e6
        self._queues: dict[tuple[int, str], list[_Batch]] = {}
        self._idle = parameters.num_batch_threads
        self._threads = ThreadPoolExecutor(
            parameters.num_batch_threads, thread_name_prefix=parameters.thread_pool_name
        )

    async def run(
        self,
        servable: Servable,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str],
    ) -> Arrays:
        """Runs a signature; see `DirectExecutor.run`."""
        rows = _rows(inputs)
        if rows > self.parameters.max_batch_size:
            raise InvalidArgument(
                f"Task size {rows} is larger than maximum input batch size "
                f"{self.parameters.max_batch_size}"
            )
        parts = [
            {alias: array[start : start + self._largest] for alias, array in inputs.items()}
            for start in range(0, max(rows, 1), self._largest)
        ]
        futures: list[asyncio.Future] = []
        try:
            for part in parts:
                futures.append(self._enqueue(servable, signature, tuple(outputs), part))
            results = await asyncio.gather(*futures)
        finally:
            for future in futures:
                future.cancel()
        if len(results) == 1:
            return results[0]
        return {alias: np.concatenate([result[alias] for result in results]) for alias in outputs}

    def close(self) -> None:
        """Waits for running batches and ends the threads."""
        self._threads.shutdown()

    # On the event loop

    def _enqueue(
        self, servable: Servable, signature: str, outputs: tuple[str, ...], inputs: Arrays
    ) -> asyncio.Future:
        loop = asyncio.get_running_loop()
        task = _Task(inputs, _rows(inputs), loop.create_future())
        queue = self._queues.setdefault((id(servable), signature), [])
        kind = (outputs, *sorted((k, *self._row_kind(array)) for k, array in inputs.items()))
        batch = next((b for b in reversed(queue) if b.kind == kind), None)
        if batch is None or batch.rows + task.rows > self._largest:
            if len(queue) >= self.parameters.max_enqueued_batches:
                raise Unavailable(
                    "The batch scheduling queue to which this task was submitted is full; "
                    f"currently {len(queue)} batches enqueued and max_enqueued_batches is "
                    f"{self.parameters.max_enqueued_batches}"
                )
            batch = _Batch(servable, signature, outputs, kind, loop.time())
            queue.append(batch)
            if self._timeout:
                loop.call_later(self._timeout, self._dispatch)
            else:  # one turn of the loop later, all that arrived in this turn is in the batch
                loop.call_soon(self._dispatch)
        batch.tasks.append(task)
        batch.rows += task.rows
        if batch.rows >= self._largest:
            loop.call_soon(self._dispatch)
        return task.result

    def _row_kind(self, array: np.ndarray) -> tuple:
        shape = array.ndim if self.parameters.pad_variable_length_inputs else array.shape[1:]
        return array.dtype.str, shape

    def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        while self._idle:
            # A timer fires up to the clock's resolution early.
            due = loop.time() - self._timeout + 1e-3
            ready = [
                (batch.opened, key)
                for key, queue in self._queues.items()
                for batch in queue[:1]
                if batch.rows >= self._largest or len(queue) > 1 or batch.opened <= due
            ]
            if not ready:
                return
            key = min(ready)[1]
            batch = self._queues[key].pop(0)
            if not self._queues[key]:
                del self._queues[key]
            batch.tasks = [task for task in batch.tasks if not task.result.cancelled()]
            if not batch.tasks:
                continue
            self._idle -= 1
            done = loop.run_in_executor(self._threads, self._process, batch)
            done.add_done_callback(partial(self._deliver, batch=batch))

    def _deliver(self, done: asyncio.Future, batch: _Batch) -> None:
        self._idle += 1
        failure = done.exception()
        for index, task in enumerate(batch.tasks):
            if task.result.done():
                continue
            result = failure or done.result()[index]
            if isinstance(result, BaseException):
                task.result.set_exception(result)
            else:
                task.result.set_result(result)
        self._dispatch()

    # On a thread of the pool

    def _process(self, batch: _Batch) -> list[_Result]:
        try:
            return self._run(batch)
        except Exception as error:  # of any kind, as too little memory for the rows together
            if len(batch.tasks) == 1:
                return [error]
        return [self._process(replace(batch, tasks=[task]))[0] for task in batch.tasks]

    def _run(self, batch: _Batch) -> list[_Result]:
        tasks = batch.tasks
        rows = sum(task.rows for task in tasks)
        sizes = self.parameters.allowed_batch_sizes if rows else ()
        size = next((size for size in sizes if size >= rows), rows)
        merged = {
            alias: _merge([task.inputs[alias] for task in tasks], size - rows)
            for alias in tasks[0].inputs
        }
        signature = batch.servable.signatures[batch.signature]
        outputs = batch.servable.run(signature, merged, batch.outputs)
        for array in outputs.values():
            if array.ndim == 0 or array.shape[0] != size:
                raise FailedPrecondition(
                    "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                    "dimension sizes of the input tensors"
                )
        if len(tasks) == 1 and size == rows:
            return [outputs]
        ends = np.cumsum([task.rows for task in tasks])
        return [
            {alias: array[end - task.rows : end] for alias, array in outputs.items()}
            for task, end in zip(tasks, ends, strict=True)
        ]


def _rows(inputs: Mapping[str, np.ndarray]) -> int:
    sizes = set()
    for array in inputs.values():
        if array.ndim == 0:
            raise InvalidArgument("Batching input tensors must have at least one dimension")
        sizes.add(array.shape[0])
    if len(sizes) > 1:
        raise InvalidArgument(
            "Batching input tensors supplied in a given call must have equal 0th-dimension size"
        )
    return sizes.pop() if sizes else 0


def _merge(arrays: list[np.ndarray], extra_rows: int) -> np.ndarray:
    """Joins along the rows; pads short rows with the first value, the batch with its first row."""
    if len({array.shape[1:] for array in arrays}) > 1:
        longest = np.max([array.shape[1:] for array in arrays], axis=0)
        arrays = [_pad(array, longest) for array in arrays]
    if extra_rows:
        arrays = [*arrays, np.repeat(arrays[0][:1], extra_rows, axis=0)]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _pad(array: np.ndarray, shape: np.ndarray) -> np.ndarray:
    if not array.size:
        return np.zeros((array.shape[0], *shape), array.dtype)
    widths = [
        (0, 0),
        *((0, wanted - size) for wanted, size in zip(shape, array.shape[1:], strict=True)),
    ]
    return np.pad(array, widths, constant_values=array.flat[0])
