"""How the workers of a cluster wait for each other before TensorFlow connects them."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from commands import clusters

from keras_gan import train
from keras_gan.core.errors import SurroundingsError
from keras_gan.experiment import connecting
from keras_gan.experiment.connecting import wait_for_chief, wait_for_workers


def addresses_of(workers: int) -> list[str]:
    return json.loads(clusters(workers)[0])["cluster"]["worker"]


@contextlib.contextmanager
def in_use(address: str):
    """Another program's server, which greets with something else."""
    host, port = address.split(":")
    ended = threading.Event()
    with socket.create_server((host, int(port))) as server:
        server.settimeout(0.05)

        def serve():
            while not ended.is_set():
                with contextlib.suppress(TimeoutError), server.accept()[0] as connection:
                    connection.sendall(b"\0\0\6\4\0\0\0\0\0\0\5\0\0@\0")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def connected(address: str) -> socket.socket:
    """A connection to a server, once it is there."""
    host, port = address.split(":")
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection((host, int(port)), timeout=10)


def test_all_go_on_when_the_last_is_there():
    addresses = addresses_of(3)
    with ThreadPoolExecutor(3) as pool:
        chief = pool.submit(wait_for_workers, addresses, 30)
        first = pool.submit(wait_for_chief, addresses, 1, 30)
        time.sleep(0.6)
        assert not chief.done()
        assert not first.done()
        last = pool.submit(wait_for_chief, addresses, 2, 30)
        for waiting in (chief, first, last):
            waiting.result()


def test_a_worker_that_left_does_not_count_until_it_is_back():
    addresses = addresses_of(3)
    with ThreadPoolExecutor(3) as pool:
        chief = pool.submit(wait_for_workers, addresses, 30)
        one = connected(addresses[0])
        one.sendall(b"keras_gan worker 1\n")
        with connected(addresses[0]) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        time.sleep(0.5)
        one.close()
        time.sleep(0.5)
        last = pool.submit(wait_for_chief, addresses, 2, 30)
        time.sleep(0.5)
        assert not chief.done()
        again = pool.submit(wait_for_chief, addresses, 1, 30)
        for waiting in (chief, last, again):
            waiting.result()


def test_a_worker_that_is_late_to_say_its_name_is_sent_away_and_tries_again():
    addresses = addresses_of(2)
    with ThreadPoolExecutor(1) as pool:
        chief = pool.submit(wait_for_workers, addresses, 30)
        with connected(addresses[0]) as late:
            assert late.recv(1) == b""
        wait_for_chief(addresses, 1, 30)
        chief.result()


def test_a_worker_waits_until_the_chief_of_an_earlier_attempt_is_gone():
    addresses = addresses_of(2)
    with ThreadPoolExecutor(2) as pool:
        with in_use(addresses[0]):
            worker = pool.submit(wait_for_chief, addresses, 1, 30)
            chief = pool.submit(wait_for_workers, addresses, 30)
            time.sleep(0.8)
            assert not worker.done()
            assert not chief.done()
        worker.result()
        chief.result()


def test_who_is_missing_is_named():
    addresses = addresses_of(2)
    with pytest.raises(SurroundingsError, match=f"no worker at {addresses[1]}; run the same"):
        wait_for_workers(addresses, 0.1)
    with pytest.raises(SurroundingsError, match=f"no chief at {addresses[0]}; run the same"):
        wait_for_chief(addresses, 1, 0.1)


@pytest.mark.parametrize("index", [0, 1])
def test_a_port_in_use_is_one_line(index, monkeypatch, capsys):
    monkeypatch.setattr(connecting, "_PORTS", 0.1)
    configs = clusters(2)
    monkeypatch.setenv("TF_CONFIG", configs[index])
    address = json.loads(configs[index])["cluster"]["worker"][index]
    with in_use(address):
        assert train.main(["--strategy", "multi_worker"]) == 4
    message = capsys.readouterr().err
    assert f"of {address} cannot be used: Address already in use" in message
    assert message.count("\n") == 1


def test_a_host_without_an_address_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(connecting, "_ALL_THERE", 0.1)
    cluster = {"worker": ["127.0.0.1:1", "no..host:2"]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert train.main(["--strategy", "multi_worker"]) == 4
    message = capsys.readouterr().err
    assert "the host no..host of the cluster has no address" in message
    assert message.count("\n") == 1
