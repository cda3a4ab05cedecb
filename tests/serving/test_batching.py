"""Batching, with a stand-in for the model: no TensorFlow runs and no socket is opened."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest
from serving_running import PATIENCE

from serving.config import Batching
from serving.errors import FailedPrecondition, InvalidArgument, Unavailable
from serving.execution import BatchingExecutor, DirectExecutor


class Doubler:
    """Doubles `x`; refuses negative values; remembers the batches; waits while `gate` is closed."""

    signatures = {"s": "s", "t": "t"}  # noqa: RUF012

    def __init__(self, seconds=0.0):
        self.batches, self.seconds, self.gate = [], seconds, threading.Event()
        self.gate.set()

    def run(self, signature, inputs, outputs):
        assert self.gate.wait(PATIENCE)
        self.batches.append(inputs["x"])
        time.sleep(self.seconds)
        if inputs["x"].size and inputs["x"].min() < 0:
            raise InvalidArgument("negative")
        result = {"y": inputs["x"] * 2, "total": inputs["x"].sum()}
        return {alias: result[alias] for alias in outputs}


def rows(*values, width=1):
    return {"x": np.repeat(np.array(values, np.float32)[:, None], width, axis=1)}


def run(parameters, main):
    executor = BatchingExecutor(parameters)
    try:
        return asyncio.run(asyncio.wait_for(main(executor), PATIENCE))
    finally:
        executor.close()


def test_concurrent_requests_share_batches_and_get_their_own_rows():
    model = Doubler(0.005)

    async def main(executor):
        requests = [executor.run(model, "s", rows(i, i + 100), ["y"]) for i in range(40)]
        return await asyncio.gather(*requests)

    answers = run(Batching(max_batch_size=16, num_batch_threads=1), main)
    for i, answer in enumerate(answers):
        np.testing.assert_array_equal(answer["y"], [[2 * i], [2 * (i + 100)]])
    assert len(model.batches) <= 6
    assert max(len(batch) for batch in model.batches) == 16


def test_a_batch_waits_for_more_until_its_timeout():
    model = Doubler()

    async def main(executor):
        started = time.monotonic()
        first = asyncio.ensure_future(executor.run(model, "s", rows(1), ["y"]))
        await asyncio.sleep(0)
        await asyncio.gather(first, executor.run(model, "s", rows(2), ["y"]))
        return time.monotonic() - started

    assert run(Batching(max_batch_size=4, batch_timeout_micros=200_000), main) > 0.19
    assert [len(batch) for batch in model.batches] == [2]


def test_a_full_batch_does_not_wait():
    model = Doubler()

    async def main(executor):
        await asyncio.gather(*(executor.run(model, "s", rows(i), ["y"]) for i in range(4)))

    run(Batching(max_batch_size=4, batch_timeout_micros=10 * PATIENCE * 1_000_000), main)
    assert [len(batch) for batch in model.batches] == [4]


def test_kinds_never_mix():
    model = Doubler()
    model.gate.clear()

    async def main(executor):
        requests = [
            executor.run(model, "s", rows(1), ["y"]),
            executor.run(model, "t", rows(1), ["y"]),
            executor.run(model, "s", rows(1, width=2), ["y"]),
            executor.run(model, "s", {"x": np.ones((1, 1), np.int64)}, ["y"]),
            executor.run(model, "s", rows(3), ["y"]),
        ]
        waiting = [asyncio.ensure_future(request) for request in requests]
        await asyncio.sleep(0.05)
        model.gate.set()
        return await asyncio.gather(*waiting)

    answers = run(Batching(num_batch_threads=1), main)
    assert answers[2]["y"].shape == (1, 2)
    assert sorted(len(batch) for batch in model.batches) == [1, 1, 1, 2]


def test_a_bad_request_fails_alone():
    model = Doubler()

    async def main(executor):
        requests = [executor.run(model, "s", rows(i), ["y"]) for i in (1, -1, 3)]
        return await asyncio.gather(*requests, return_exceptions=True)

    one, two, three = run(Batching(num_batch_threads=1), main)
    assert (one["y"].item(), three["y"].item()) == (2, 6)
    assert isinstance(two, InvalidArgument)


def test_rows_that_do_not_fit_into_memory_together_run_alone():
    class Small(Doubler):
        def run(self, signature, inputs, outputs):
            if len(inputs["x"]) > 1:
                raise MemoryError
            return super().run(signature, inputs, outputs)

    model = Small()

    async def main(executor):
        requests = [executor.run(model, "s", rows(i), ["y"]) for i in range(3)]
        return await asyncio.gather(*requests)

    answers = run(Batching(num_batch_threads=1), main)
    assert [answer["y"].item() for answer in answers] == [0, 2, 4]


def test_a_full_queue_sheds_load():
    model = Doubler()
    model.gate.clear()

    async def main(executor):
        waiting = []
        for i in range(20):
            waiting.append(asyncio.ensure_future(executor.run(model, "s", rows(i), ["y"])))
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        model.gate.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    parameters = Batching(max_batch_size=2, max_enqueued_batches=3, num_batch_threads=1)
    answers = run(parameters, main)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert 20 - len(refused) in (7, 8)  # three batches wait, one, full or not, runs
    assert "batch scheduling queue to which this task was submitted is full" in str(refused[0])


def test_sizes():
    model = Doubler()
    parameters = Batching(max_batch_size=8, allowed_batch_sizes=(2, 4, 8))

    async def main(executor):
        answer = await executor.run(model, "s", rows(1, 2, 3), ["y"])
        empty = await executor.run(model, "s", {"x": np.zeros((0, 1), np.float32)}, ["y"])
        with pytest.raises(InvalidArgument, match="Task size 9 is larger than maximum"):
            await executor.run(model, "s", rows(*range(9)), ["y"])
        return answer, empty

    answer, empty = run(parameters, main)
    assert answer["y"].ravel().tolist() == [2, 4, 6]
    assert model.batches[0].ravel().tolist() == [1, 2, 3, 1]
    assert empty["y"].shape[0] == 0


def test_large_requests_are_split():
    model = Doubler()

    async def main(executor):
        return await executor.run(model, "s", rows(*range(10)), ["y"])

    answer = run(Batching(max_batch_size=10, max_execution_batch_size=4), main)
    assert answer["y"].ravel().tolist() == [2.0 * i for i in range(10)]
    assert sorted(len(batch) for batch in model.batches) == [2, 4, 4]


def test_variable_lengths_are_padded():
    model = Doubler()

    async def main(executor):
        short, long = rows(1, width=2), rows(5, width=3)
        return await asyncio.gather(
            executor.run(model, "s", short, ["y"]), executor.run(model, "s", long, ["y"])
        )

    run(Batching(pad_variable_length_inputs=True, num_batch_threads=1), main)
    assert model.batches[0].tolist() == [[1, 1, 1], [5, 5, 5]]


def test_what_cannot_be_batched():
    model = Doubler()

    async def main(executor):
        with pytest.raises(InvalidArgument, match="at least one dimension"):
            await executor.run(model, "s", {"x": np.float32(1)}, ["y"])
        with pytest.raises(InvalidArgument, match="equal 0th-dimension"):
            await executor.run(model, "s", {"x": np.ones(1), "z": np.ones(2)}, ["y"])
        with pytest.raises(FailedPrecondition, match="0th dimension"):
            await executor.run(model, "s", rows(1), ["total"])

    run(Batching(), main)


def test_cancelled_requests_do_not_run():
    model = Doubler()
    model.gate.clear()

    async def main(executor):
        first = asyncio.ensure_future(executor.run(model, "s", rows(1), ["y"]))
        await asyncio.sleep(0.02)
        second = asyncio.ensure_future(executor.run(model, "s", rows(2), ["y"]))
        await asyncio.sleep(0.02)
        second.cancel()
        model.gate.set()
        await first
        with pytest.raises(asyncio.CancelledError):
            await second
        return await executor.run(model, "s", rows(3), ["y"])

    run(Batching(num_batch_threads=1), main)
    assert [batch.item() for batch in model.batches] == [1, 3]


def test_without_batching_the_queue_has_an_end():
    model = Doubler()
    model.gate.clear()
    executor = DirectExecutor(1, max_waiting=2)

    async def main():
        waiting = [
            asyncio.ensure_future(executor.run(model, "s", rows(i), ["y"])) for i in range(5)
        ]
        await asyncio.sleep(0.05)
        model.gate.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    answers = asyncio.run(main())
    executor.close()
    assert [isinstance(answer, Unavailable) for answer in answers] == [False] * 3 + [True] * 2


def test_without_batching_cancelled_requests_do_not_run_and_count_while_they_wait():
    model = Doubler()
    model.gate.clear()
    executor = DirectExecutor(1, max_waiting=2)

    async def main():
        for i in range(3):
            task = asyncio.ensure_future(executor.run(model, "s", rows(i), ["y"]))
            await asyncio.sleep(0.05)
            task.cancel()
        with pytest.raises(Unavailable):  # else their inputs would fill the memory
            await executor.run(model, "s", rows(3), ["y"])
        model.gate.set()
        while True:
            try:
                return await executor.run(model, "s", rows(4), ["y"])
            except Unavailable:
                await asyncio.sleep(0.01)

    answer = asyncio.run(asyncio.wait_for(main(), PATIENCE))
    executor.close()
    assert answer["y"].item() == 8
    assert [batch.item() for batch in model.batches] == [0, 4]
