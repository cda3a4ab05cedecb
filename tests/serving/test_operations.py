"""A server process under load: versions that follow one another, SIGTERM, deadlines."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
import serving_models
import tensorflow as tf
from serving_running import PATIENCE, free_port, running, wait_for
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving import Client, errors
from serving.config import Batching, ModelConfig
from serving.loader import Servable
from serving.operations import Admin
from serving.server import Server
from serving.settings import Limits, Settings

ROOT = Path(__file__).parents[2]
WEIGHTS = 8_000_000  # 32 MB a version


class Marked(tf.Module):
    """Answers its version's number, twice, by way of its weights."""

    def __init__(self, number):
        super().__init__()
        self.weights = tf.Variable(tf.fill([WEIGHTS], float(number)))

    def signatures(self):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def serving_default(x):
            zeros = tf.zeros_like(x)
            return {"first": zeros + self.weights[0], "last": zeros + self.weights[-1]}

        return {"serving_default": serving_default}


@contextmanager
def process(base, *flags):
    """Runs `python -m serving` and waits until it answers."""
    port, rest = free_port(), free_port()
    command = [sys.executable, "-m", "serving", str(base), f"--port={port}"]
    child = subprocess.Popen(
        [*command, f"--rest_api_port={rest}", *flags],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(child.stderr), daemon=True)
    reader.start()
    child.log, child.reader = lines, reader
    child.address, child.rest = f"127.0.0.1:{port}", f"http://127.0.0.1:{rest}"
    try:
        with Admin(child.address) as admin:
            admin.wait_until_available("m", [], PATIENCE)
        yield child
    finally:
        child.kill()
        child.wait(PATIENCE)
        reader.join(PATIENCE)
        child.stderr.close()


def request(rows=1):
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "m"
    message.inputs["x"].CopyFrom(tf.make_tensor_proto(np.zeros(rows, np.float32)))
    return message


def resident(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_five_versions_under_load(tmp_path):
    base = tmp_path / "m"
    base.mkdir()
    ready = tmp_path / "ready"
    ready.mkdir()
    for number in range(1, 6):
        serving_models.save(Marked(number), ready / str(number))
    (ready / "1").rename(base / "1")
    batching = tmp_path / "batching.config"
    batching.write_text("max_batch_size { value: 16 }")
    with process(base, "--enable_batching", f"--batching_parameters_file={batching}") as server:
        ended, seen, faults = threading.Event(), Counter(), []

        def ask():
            with grpc.insecure_channel(
                server.address, [("grpc.use_local_subchannel_pool", 1)]
            ) as c:
                stub = prediction_service_pb2_grpc.PredictionServiceStub(c)
                while not ended.is_set():
                    try:
                        answer = stub.Predict(request(), timeout=PATIENCE)
                    except grpc.RpcError as error:
                        faults.append((error.code(), error.details()))
                        continue
                    numbers = {value for out in answer.outputs.values() for value in out.float_val}
                    if numbers != {answer.model_spec.version.value}:
                        faults.append(numbers)
                    seen[answer.model_spec.version.value] += 1

        clients = [threading.Thread(target=ask, daemon=True) for _ in range(16)]
        for client in clients:
            client.start()
        try:
            wait_for(lambda: seen[1] > 500)
            start = resident(server.pid)
            with Admin(server.address) as admin:
                for number in range(2, 6):
                    (ready / str(number)).rename(base / str(number))
                    wait_for(lambda n=number: state(admin, n) == "AVAILABLE")
                    wait_for(lambda n=number: state(admin, n - 1) == "END")
            wait_for(lambda: seen[5] > 500)
            end = resident(server.pid)
        finally:
            ended.set()
            for client in clients:
                client.join(PATIENCE)
    assert faults == []
    assert set(seen) == {1, 2, 3, 4, 5}
    assert end < 1.2 * start, (start, end)


def state(admin, version):
    states = admin.states("m")
    return states[version].state if version in states else ""


def test_sigterm_under_load(tmp_path):
    """Accepted requests wait in a batch for more when the signal comes."""
    base = tmp_path / "m"
    base.mkdir()
    serving_models.save(Marked(1), base / "1")
    for seconds in (1, 5, 25):  # for 32 requests to arrive: more on a busy machine
        try:
            return stop_while_requests_wait(base, tmp_path / "batching.config", seconds)
        except AssertionError:
            if seconds == 25:
                raise


def stop_while_requests_wait(base, batching, seconds):
    batching.write_text(
        f"max_batch_size {{ value: 500 }} batch_timeout_micros {{ value: {2_000_000 * seconds} }}"
    )
    flags = ("--enable_batching", f"--batching_parameters_file={batching}", "--grace_seconds=100")
    with process(base, *flags) as server, ThreadPoolExecutor(32) as pool:
        channel = grpc.insecure_channel(server.address)
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        def by_grpc():
            try:
                return list(stub.Predict(request(), timeout=PATIENCE).outputs["first"].float_val)
            except grpc.RpcError as error:
                return error.code()

        def by_rest():
            body = {"inputs": [0.0]}
            url = f"{server.rest}/v1/models/m:predict"
            try:
                return httpx.post(url, json=body, timeout=PATIENCE).json()["outputs"]["first"]
            except httpx.HTTPError:
                return None

        accepted = [pool.submit(ask) for ask in (by_grpc, by_rest) for _ in range(16)]
        time.sleep(seconds)
        server.send_signal(signal.SIGTERM)
        time.sleep(0.3 * seconds)
        assert by_grpc() == grpc.StatusCode.UNAVAILABLE
        assert by_rest() is None
        assert [answer.result(PATIENCE) for answer in accepted] == [[1.0]] * 32
        assert server.wait(PATIENCE) == 0
        server.reader.join(PATIENCE)
        channel.close()
    log = [json.loads(line) for line in server.log if line.startswith("{")]
    assert [entry["message"] for entry in log][-1] == "stopped"
    assert not [entry for entry in log if entry["level"] in ("error", "warning")]


@pytest.fixture(scope="module")
def waiting(contract_base):
    """A server whose batches never fill, and whose REST timeout is one second."""
    settings = Settings(
        (ModelConfig("mlp", contract_base / "mlp"),),
        port=0,
        rest_api_port=0,
        rest_api_timeout_in_ms=1000,
        batching=Batching(max_batch_size=100, batch_timeout_micros=10 * PATIENCE * 1_000_000),
        metrics_path="/metrics",
    )
    with running(settings) as server:
        yield server


def test_a_signal_while_models_load_loads_no_further_ones(tmp_path):
    names = ("a", "b", "c")
    for name in names:
        (tmp_path / name / "1").mkdir(parents=True)
    models = tuple(ModelConfig(name, tmp_path / name) for name in names)
    server, loaded = Server(Settings(models, port=0, rest_api_port=0)), []

    class Slow:
        def __init__(self, path):
            loaded.append(path.parent.name)
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(100):  # until the signal is handled
                if not server.manager._stopped:
                    time.sleep(0.02)

        def close(self):
            pass

    server.manager._load = Slow
    asyncio.run(server.run())
    assert loaded == ["a"]


def test_deadlines(waiting):
    """They end the wait, since the batch does not."""
    for url in (f"grpc://127.0.0.1:{waiting.port}", f"http://127.0.0.1:{waiting.rest_api_port}"):
        started, timeout = time.monotonic(), 1.0 if url.startswith("grpc") else PATIENCE
        with (
            Client(url, model="mlp", timeout=timeout) as client,
            pytest.raises(errors.DeadlineExceeded),
        ):
            client.generate(1)
        assert time.monotonic() - started > 0.9


def test_requests_at_a_time(contract_base, monkeypatch):
    running_now, gate, run = Counter(), threading.Event(), Servable.run

    def slow_run(*arguments):
        running_now["all"] += 1
        assert gate.wait(PATIENCE)
        return run(*arguments)

    settings = Settings(
        (ModelConfig("mlp", contract_base / "mlp"),),
        port=0,
        rest_api_port=0,
        limits=Limits(max_concurrent=3),
    )
    with running(settings) as server, ThreadPoolExecutor(3) as pool:
        monkeypatch.setattr(Servable, "run", slow_run)
        for url in (f"grpc://127.0.0.1:{server.port}", f"http://127.0.0.1:{server.rest_api_port}"):
            with Client(url, model="mlp", retries=0, timeout=PATIENCE) as client:
                running_now.clear()
                gate.clear()
                asked = [pool.submit(client.images, np.zeros((1, 4))) for _ in range(3)]
                wait_for(lambda: running_now["all"] == 3)
                for _ in range(5):
                    with pytest.raises(errors.Unavailable):
                        client.images(np.zeros((1, 4)))
                gate.set()
                assert [one.result(PATIENCE).shape for one in asked] == [(1, 6, 6, 1)] * 3


def test_cancelled_calls_leave_the_queue(waiting):
    def counted(status):
        page = httpx.get(f"http://127.0.0.1:{waiting.rest_api_port}/metrics").text
        wanted = f'{{model_name="mlp",status="{status}"}} '
        return sum(float(line.split()[-1]) for line in page.splitlines() if wanted in line)

    def waits():
        batches = [batch for queue in waiting._executor._queues.values() for batch in queue]
        return any(not task.result.done() for batch in batches for task in batch.tasks)

    before = counted("CANCELLED")
    with grpc.insecure_channel(f"127.0.0.1:{waiting.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        message = predict_pb2.PredictRequest()
        message.model_spec.name = "mlp"
        message.inputs["latents"].CopyFrom(tf.make_tensor_proto(np.zeros((1, 4), np.float32)))
        call = stub.Predict.future(message)
        wait_for(waits)
        call.cancel()
        wait_for(lambda: counted("CANCELLED") > before)
    assert not waits()
    body = b'{"instances": [[0, 0, 0, 0]]}'
    head = b"POST /v1/models/mlp:predict HTTP/1.1\r\nhost: 0.0.0.0\r\ncontent-length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", waiting.rest_api_port), PATIENCE) as connection:
        connection.sendall(head % len(body) + body)
        wait_for(waits)
    wait_for(lambda: not waits())
