"""The train command in processes of its own, for tests of what happens between and to them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable

LIMIT = 120  # seconds: a hang is a failure


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


def finish(*processes: subprocess.Popen, code: int = 0) -> list[tuple[str, str]]:
    """What they printed; all must end with this code."""
    try:
        ended = [process.communicate(timeout=LIMIT) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, output in zip(processes, ended, strict=True):
        assert process.returncode == code, output
    return ended


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
