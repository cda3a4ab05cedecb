"""From a cluster's addresses to TensorFlow's strategy on all its workers.

The workers first wait for each other at the chief's port, in Python: a signal ends that at once,
and a worker that was started again waits until the processes of the earlier attempt are gone. Only
then does TensorFlow connect, which can do neither.

    worker i    "keras_gan worker i"    to the chief, until it answers
    chief       "go"                    to all, once all are there
"""

from __future__ import annotations

import collections
import contextlib
import functools
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import tensorflow as tf

from keras_gan.core import keras_private
from keras_gan.core.errors import SurroundingsError, first_line
from keras_gan.experiment import cluster

_Result = TypeVar("_Result")
_GO = b"go\n"
_ALL_THERE = 600  # seconds for the other workers to start
_PORTS = 30  # seconds for a port to become free
_QUIET = 5  # seconds until it is said what is waited for
_CONNECTED = 60  # seconds for TensorFlow to connect workers that are all there
_SILENT = 60  # seconds until a worker that sends nothing is lost; a busy host may stand still
_PAUSE = 0.2


def connect() -> tf.distribute.MultiWorkerMirroredStrategy:
    """The strategy of this process's cluster; returns when all its workers are connected.

    Raises:
        InputError: The environment describes no cluster.
        SurroundingsError: A host has no address, this worker's port is in use, or another worker
            is not there in time.
    """
    resolver = cluster.read()
    spec = resolver.cluster_spec()
    tasks = cluster.tasks(spec)
    addresses = [spec.task_address(*task) for task in tasks]
    mine = tasks.index((resolver.task_type, resolver.task_id))
    if len(tasks) > 1:
        for name in sorted(set(map(cluster.host, addresses))):
            # A host that has not started may have no name yet, as in Kubernetes.
            _repeated(functools.partial(_resolve, name), _ALL_THERE)
        if mine == 0:
            wait_for_workers(addresses)
        else:
            wait_for_chief(addresses, mine)
        jobs = collections.Counter(job for job, _ in tasks)
        keras_private.limit_waiting(jobs, connecting=_CONNECTED, silent=_SILENT)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except (tf.errors.OpError, RuntimeError) as error:
        raise SurroundingsError(
            f"{addresses[mine]} cannot connect to the other workers: {first_line(error)}; run the "
            "same command again, on every worker"
        ) from error


def wait_for_workers(addresses: list[str], seconds: float = _ALL_THERE) -> None:
    """Returns when all other workers are there; for the chief, the first of the addresses.

    Raises:
        SurroundingsError: The chief's port is in use, or a worker is not there in time.
    """
    end = time.monotonic() + seconds
    there: dict[int, socket.socket] = {}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_listening(addresses[0]))
        server.settimeout(_PAUSE)
        _tell(addresses[0], "the other workers")
        while len(there) < len(addresses) - 1:
            missing = [a for index, a in enumerate(addresses) if index and index not in there]
            _check_time(end, "worker at " + ", ".join(missing))
            with contextlib.suppress(TimeoutError):
                connection, _ = server.accept()
                said = _received(connection) or b""
                name = re.fullmatch(rb"keras_gan worker ([0-9]{1,6})\n", said)
                if name and 0 < int(name[1]) < len(addresses):
                    there[int(name[1])] = stack.enter_context(connection)
                else:
                    connection.close()  # a worker that is late tries again
            there = {index: one for index, one in there.items() if _is_open(one)}
        for connection in there.values():
            with contextlib.suppress(OSError):
                connection.sendall(_GO)
                connection.settimeout(1)
                connection.recv(1)  # the other side closes first, and the port is free at once


def wait_for_chief(addresses: list[str], index: int, seconds: float = _ALL_THERE) -> None:
    """Returns when the chief says that all workers are there; for worker `index` of the addresses.

    Raises:
        SurroundingsError: This worker's port is in use, or the chief is not there in time.
    """
    end = time.monotonic() + seconds
    with _listening(addresses[index]):
        _tell(addresses[index], f"the chief, {addresses[0]}")
    chief = cluster.host(addresses[0]), cluster.port(addresses[0])
    while True:
        with contextlib.suppress(OSError), socket.create_connection(chief, timeout=1) as connection:
            connection.sendall(f"keras_gan worker {index}\n".encode())
            while (answer := _received(connection)) is None:
                _check_time(end, f"chief at {addresses[0]}")
            if answer == _GO:
                return
        _check_time(end, f"chief at {addresses[0]}")
        time.sleep(_PAUSE)


def _tell(own: str, others: str) -> None:
    print(f"{own}: waiting for {others}", file=sys.stderr, flush=True)


def _check_time(end: float, missing: str) -> None:
    if time.monotonic() > end:
        raise SurroundingsError(
            f"no {missing}; run the same command on every worker, at about the same time"
        )


def _received(connection: socket.socket) -> bytes | None:
    """The bytes that the other side sends within a second: None, or b"" if it has closed."""
    connection.settimeout(1)
    try:
        return connection.recv(64)
    except TimeoutError:
        return None
    except OSError:
        return b""


def _is_open(connection: socket.socket) -> bool:
    """Whether the other side, which has nothing more to say, has not closed."""
    connection.settimeout(0)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


def _repeated(attempt: Callable[[], _Result], seconds: float) -> _Result:
    """Repeats what fails, for some seconds."""
    end, tell = time.monotonic() + seconds, time.monotonic() + _QUIET
    while True:
        try:
            return attempt()
        except SurroundingsError as error:
            if time.monotonic() > end:
                raise
            if time.monotonic() > tell:
                print(f"{error}; trying again for {seconds:.0f} s", file=sys.stderr, flush=True)
                tell = end
        time.sleep(_PAUSE)


def _resolve(name: str) -> None:
    try:
        socket.getaddrinfo(name, None)
    except (OSError, UnicodeError) as error:
        raise SurroundingsError(
            f"the host {name} of the cluster has no address: {first_line(error)}"
        ) from error


@contextlib.contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    """A server at a worker's port, on all addresses of its host, as TensorFlow's will be."""
    port = cluster.port(address)

    def attempt() -> socket.socket:
        try:
            family = socket.getaddrinfo(cluster.host(address), port)[0][0]
            return socket.create_server(("", port), family=family)
        except OSError as error:
            raise SurroundingsError(
                f"port {port} of {address} cannot be used: {error.strerror}; end the process that "
                "uses it, or give this worker another port, in TF_CONFIG of every worker"
            ) from error

    with _repeated(attempt, _PORTS) as server:
        yield server
