"""The train command in processes of its own, for tests of what happens between and to them."""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LIMIT = 180  # seconds: a hang is a failure


def start(*arguments, **environment) -> subprocess.Popen:
    """The train command with these arguments; what it prints can be read."""
    return start_python("-m", "keras_gan.train", *arguments, **environment)


def start_python(*arguments, cwd=None, **environment) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(
    *processes: subprocess.Popen, code: int = 0, limit: float = LIMIT
) -> list[tuple[str, str]]:
    """What they printed; all must end with this code."""
    try:
        ended = [process.communicate(timeout=limit) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, output in zip(processes, ended, strict=True):
        assert process.returncode == code, output
    return ended


# A process can join a cluster once; commands that it calls take the strategy that is there.
_WORKER = """
import os, pickle, sys
import {module}
from keras_gan import strategies
strategy = strategies.make("multi_worker")
strategies.make = lambda name: strategy
os.chdir(sys.argv[1])
found = {module}.worker(strategy, *sys.argv[2:])
with open("found", "wb") as file:
    pickle.dump(found, file)
"""


def in_two_workers(module: str, folder: Path, *arguments) -> list:
    """What `worker(strategy, *arguments)` of a test module returns in each of two processes.

    Worker i has the folder i for its own. This is one call for many cases: that a process has
    TensorFlow loaded takes longer than most of them.
    """
    script = _WORKER.format(module=module)
    folders = [folder / str(index) for index in range(2)]
    for one in folders:
        one.mkdir()
    finish(
        *(
            start_python("-c", script, one, *arguments, cwd=Path(__file__).parent, TF_CONFIG=config)
            for one, config in zip(folders, clusters(2), strict=True)
        ),
        limit=270,
    )
    return [pickle.loads((one / "found").read_bytes()) for one in folders]


def last_line(text: str) -> str:
    return (text.splitlines() or [""])[-1]


def wait_for(found: Callable[[], object], process: subprocess.Popen) -> None:
    """Returns when something is found, which must be while the process runs."""
    end = time.monotonic() + LIMIT
    while not found():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def clusters(workers: int) -> list[str]:
    """TF_CONFIG for each worker of a cluster on this machine."""
    sockets = [socket.socket() for _ in range(workers)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return [
        json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})
        for index in range(workers)
    ]
