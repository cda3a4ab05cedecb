"""The train command in other processes, for tests of what happens between and to them.

The processes are forked from a server that has TensorFlow loaded: its import takes longer than most
of what they do.
"""

from __future__ import annotations

import atexit
import importlib
import itertools
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

LIMIT = 600  # seconds: a hang is a failure, a slow machine is none

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["keras_gan", "keras_gan.train"])
_folder = Path(tempfile.mkdtemp())
_numbers = itertools.count()
atexit.register(shutil.rmtree, _folder, ignore_errors=True)


class Fork:
    """A function in a process of its own, with the methods of `subprocess.Popen`.

    Args:
        function: A function of a module, which returns the exit code.
        *arguments: Its arguments.
        cwd: The process's working directory.
        **environment: Environment variables besides this process's.
    """

    def __init__(self, function: Callable[..., int | None], *arguments, cwd=None, **environment):
        self._output = [_folder / str(next(_numbers)) for _ in ("stdout", "stderr")]
        call = (function, arguments, cwd or os.getcwd(), {**os.environ, **environment})
        self._process = _forks.Process(target=_call, args=(*call, self._output), daemon=True)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    poll = returncode.fget

    def send_signal(self, number: int) -> None:
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        if self.poll() is None:
            self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self._process.join(timeout)
        if self.poll() is None:
            raise subprocess.TimeoutExpired("a forked process", timeout)
        out, err = (path.read_text() if path.exists() else "" for path in self._output)
        return out, err


def _call(function, arguments, cwd, environment, output) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for number, path in enumerate(output, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.exit(function(*arguments))


def start(*arguments, **environment) -> Fork:
    """The train command with these arguments."""
    return Fork(_train, *map(str, arguments), **environment)


def _train(*arguments: str) -> int:
    from keras_gan import train

    return train.main(list(arguments))


def finish(*processes: Fork, code: int = 0) -> list[tuple[str, str]]:
    """What they printed; all must end with this code."""
    try:
        outputs = [process.communicate(timeout=LIMIT) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, output in zip(processes, outputs, strict=True):
        assert process.returncode == code, output
    return outputs


def in_two_workers(module: str, folder: Path, *arguments) -> list:
    """What `worker(strategy, *arguments)` of a test module returns in each of two processes.

    Worker i runs in the folder i. One call serves many cases, because a process can join a cluster
    only once.
    """
    folders = [folder / str(index) for index in range(2)]
    for one in folders:
        one.mkdir()
    workers = zip(folders, clusters(2), strict=True)
    finish(*(Fork(_work, module, *arguments, cwd=one, TF_CONFIG=c) for one, c in workers))
    return [pickle.loads((one / "result").read_bytes()) for one in folders]


def _work(module: str, *arguments) -> None:
    from keras_gan.experiment import distribution
    from keras_gan.experiment.workers import Workers

    test_module = importlib.import_module(module)
    strategy = distribution.make("multi_worker")
    distribution.make = lambda name: strategy  # for the commands that the worker calls
    with Workers(strategy).parting():
        result = test_module.worker(strategy, *arguments)
    Path("result").write_bytes(pickle.dumps(result))


def last_line(text: str) -> str:
    return (text.splitlines() or [""])[-1]


def wait_for(condition: Callable[[], object], process: Fork) -> None:
    """Returns when the condition holds, which must be while the process runs."""
    end = time.monotonic() + LIMIT
    while not condition():
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
