"""How fast the embedded server is, against calls of the same signature in its own process.

    python benchmarks/serving_bench.py

One run measures, on one machine:
1. one-row gRPC and REST requests on loopback, batching off, for the paper's MNIST generator, and
   the in-process call (bound: the gRPC median within 1.5 times the call's plus 1 ms);
2. the batching executor alone, 64 one-row callers (bound: 4 times the rows per second of one-row
   calls);
3. 64 concurrent one-row gRPC clients of the CIFAR-10 MLP generator, with and without batching
   (bound: 6 times).

Weights are random: speed does not depend on them. Exits with 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.config import Batching
from serving.execution import BatchingExecutor
from serving.loader import Servable
from serving.operations import Admin

ROOT = Path(__file__).parents[1]
MNIST, CIFAR = (100, 1200, 1200, 784), (100, 8000, 8000, 3072)  # layers' widths
PORT, REST_PORT = 18700, 18701
TICKS = os.sysconf("SC_CLK_TCK")


class Generator(tf.Module):
    """A multilayer perceptron: rectifiers, then a sigmoid."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        self.weights = [
            tf.Variable(rng.normal(0, 0.05, shape).astype(np.float32))
            for shape in itertools.pairwise(widths)
        ]

        @tf.function(input_signature=[tf.TensorSpec([None, widths[0]], tf.float32, "latents")])
        def serving_default(latents):
            hidden = latents
            for weight in self.weights[:-1]:
                hidden = tf.nn.relu(hidden @ weight)
            return {"images": tf.sigmoid(hidden @ self.weights[-1])}

        self.serving_default = serving_default


def save(widths: tuple[int, ...], path: Path) -> Path:
    module = Generator(widths)
    tf.saved_model.save(module, str(path), {"serving_default": module.serving_default})
    return path


@contextmanager
def server(base: Path, *flags: str):
    command = [sys.executable, "-m", "serving", str(base), f"--port={PORT}"]
    process = subprocess.Popen(
        [*command, f"--rest_api_port={REST_PORT}", *flags],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        with Admin(f"127.0.0.1:{PORT}") as admin:
            admin.wait_until_available(base.name, [], 120)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def timed(call, count: int) -> np.ndarray:
    for _ in range(20):
        call()
    seconds = np.empty(count)
    for index in range(count):
        started = time.perf_counter()
        call()
        seconds[index] = time.perf_counter() - started
    return seconds


def request(name: str, latents: np.ndarray) -> predict_pb2.PredictRequest:
    message = predict_pb2.PredictRequest()
    message.model_spec.name = name
    message.inputs["latents"].CopyFrom(tf.make_tensor_proto(latents))
    return message


def one_row_latency(base: Path, count: int) -> dict[str, tuple[np.ndarray, float]]:
    """Latencies of one-row requests, and the server's CPU seconds for each."""
    latents = np.random.default_rng(1).normal(size=(1, MNIST[0])).astype(np.float32)
    with server(base) as pid:
        servable = Servable(base / "1")
        signature = servable.signature("")

        def in_process():
            servable.run(signature, {"latents": latents}, ["images"])

        stub = prediction_service_pb2_grpc.PredictionServiceStub(
            grpc.insecure_channel(f"127.0.0.1:{PORT}")
        )
        message = request(base.name, latents)
        body = json.dumps({"instances": latents.tolist()})
        http = httpx.Client(base_url=f"http://127.0.0.1:{REST_PORT}")

        def by_rest():
            http.post(f"/v1/models/{base.name}:predict", content=body).raise_for_status()

        results = {}
        for name, call, watched in (
            ("in process", in_process, os.getpid()),
            ("gRPC", lambda: stub.Predict(message), pid),
            ("REST", by_rest, pid),
        ):
            before = cpu_seconds(watched)
            seconds = timed(call, count)
            results[name] = seconds, (cpu_seconds(watched) - before) / (count + 20)
        servable.close()
    return results


def batching_executor(path: Path, callers: int, rounds: int) -> tuple[float, float]:
    """Rows per second of one-row calls, and of one-row callers of the batching executor."""
    servable = Servable(path)
    signature = servable.signature("")
    rows = np.random.default_rng(2).normal(size=(callers, 1, MNIST[0])).astype(np.float32)
    seconds = timed(lambda: servable.run(signature, {"latents": rows[0]}, ["images"]), 300)
    executor = BatchingExecutor(Batching(max_batch_size=callers, num_batch_threads=1))

    async def caller(index: int, times: int) -> None:
        for _ in range(times):
            await executor.run(servable, "serving_default", {"latents": rows[index]}, ["images"])

    async def together(times: int) -> None:
        await asyncio.gather(*(caller(index, times) for index in range(callers)))

    async def measure() -> float:
        await together(2)
        started = time.perf_counter()
        await together(rounds)
        return callers * rounds / (time.perf_counter() - started)

    together_rate = asyncio.run(measure())
    executor.close()
    servable.close()
    return 1 / np.median(seconds), together_rate


def concurrent(base: Path, clients: int, rounds: int, *flags: str) -> tuple[np.ndarray, float]:
    """Latencies of concurrent one-row gRPC clients, and requests per second."""
    latents = np.random.default_rng(3).normal(size=(clients, 1, CIFAR[0])).astype(np.float32)
    seconds: list[float] = []

    async def client(index: int, times: int) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{PORT}") as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            message = request(base.name, latents[index])
            for _ in range(times):
                started = time.perf_counter()
                await stub.Predict(message)
                seconds.append(time.perf_counter() - started)

    async def all_clients(times: int) -> float:
        started = time.perf_counter()
        await asyncio.gather(*(client(index, times) for index in range(clients)))
        return clients * times / (time.perf_counter() - started)

    with server(base, *flags):
        asyncio.run(all_clients(1))
        seconds.clear()
        rate = asyncio.run(all_clients(rounds))
    return np.array(seconds), rate


def percentiles(seconds: np.ndarray) -> list[str]:
    return [f"{1e3 * value:.2f}" for value in np.percentile(seconds, [50, 95, 99])]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--requests", type=int, default=1000, help="one-row requests of each kind")
    parser.add_argument("--rounds", type=int, default=5, help="requests of each concurrent client")
    flags = parser.parse_args()
    table = Table("", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "per second", title="Embedded server")
    bounds = []
    with tempfile.TemporaryDirectory() as directory:
        mnist, cifar = Path(directory, "mnist"), Path(directory, "cifar")
        mnist.mkdir()
        cifar.mkdir()
        save(MNIST, mnist / "1")
        save(CIFAR, cifar / "1")
        results = one_row_latency(mnist, flags.requests)
        for name, (seconds, cpu) in results.items():
            rate = f"{1 / seconds.mean():.0f}"
            table.add_row(
                f"MNIST, one row, {name}", *percentiles(seconds), f"{1e3 * cpu:.2f}", rate
            )
        call, by_grpc = (np.median(results[name][0]) for name in ("in process", "gRPC"))
        bounds.append(("gRPC median, ms, at most", 1e3 * by_grpc, 1e3 * (1.5 * call + 1e-3), False))

        alone, together = batching_executor(mnist / "1", 64, 20)
        table.add_row("MNIST, one-row calls", "", "", "", "", f"{alone:.0f}")
        table.add_row("MNIST, 64 callers, batching executor", "", "", "", "", f"{together:.0f}")
        bounds.append(("batching executor, times, at least", together / alone, 4.0, True))

        batching = Path(directory, "batching.config")
        batching.write_text("max_batch_size { value: 64 } num_batch_threads { value: 1 }")
        batched = ("--enable_batching", f"--batching_parameters_file={batching}")
        rates = []
        for name, more in (("batching off", ()), ("batching on", batched)):
            seconds, rate = concurrent(cifar, 64, flags.rounds, *more)
            rates.append(rate)
            table.add_row(f"CIFAR-10, 64 clients, {name}", *percentiles(seconds), "", f"{rate:.1f}")
        bounds.append(("64 clients, times, at least", rates[1] / rates[0], 6.0, True))
    console = Console(width=110)
    console.print(table)
    met = [value >= bound if least else value <= bound for _, value, bound, least in bounds]
    for (name, value, bound, _), good in zip(bounds, met, strict=True):
        console.print(f"{name} {bound:.2f}: {value:.2f} {'met' if good else 'MISSED'}")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
