"""Two processes with half the batch each are one device with the whole batch."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import small

from keras_gan.run import Run

SETTINGS = ["--epochs", "2", "--discriminator-steps", "2", "--likelihood-samples", "50"]


def free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(path, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "keras_gan.train", *SETTINGS, "--run-dir", path, *arguments],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(*processes):
    for process in processes:
        output, _ = process.communicate(timeout=150)
        assert process.returncode == 0, output


def test_two_workers_equal_one_device(tmp_path):
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    cluster = [
        json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
        for index in range(2)
    ]
    finish(start(tmp_path / "one"))
    finish(
        *(
            start(tmp_path / "two", "--strategy", "multi_worker", TF_CONFIG=config)
            for config in cluster
        )
    )
    one, two = Run.open(tmp_path / "one"), Run.open(tmp_path / "two")
    assert two.config["sessions"][0]["replicas"] == 2
    difference = small.largest_difference(small.weights(one.gan()), small.weights(two.gan()))
    assert difference < 1e-5
    for name, values in one.metrics().items():
        if not name.startswith("val_"):
            assert all(abs(a - b) < 1e-5 for a, b in zip(values, two.metrics()[name], strict=True))
