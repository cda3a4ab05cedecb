"""Servers for the tests: embedded ones on a thread, or a real one named by the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

sys.path.insert(0, str(Path(__file__).parent))  # the helpers in this folder

import serving_models
from serving_running import PATIENCE, running

from serving.__main__ import set_up_logs
from serving.config import model_configs, read_model_config_file
from serving.operations import Admin
from serving.settings import Settings


@dataclass(frozen=True)
class Address:
    """Where a server of the contract's models listens."""

    grpc: str
    rest: str
    base: Path  # the models, as the server itself sees them
    embedded: bool


@pytest.fixture(scope="session", autouse=True)
def _quiet_tensorflow():
    set_up_logs(level=100)


@pytest.fixture(scope="session")
def contract_base(tmp_path_factory) -> Path:
    """The contract's models on disk; nothing may change them."""
    base = tmp_path_factory.mktemp("contract")
    for name in ("mlp", "painter", "sketch", "types"):
        (base / name).mkdir()
    serving_models.write_contract_models(base)
    return base


@pytest.fixture(scope="session")
def address(request) -> Iterator[Address]:
    """The server under test.

    `TF_SERVING_GRPC` (host:port), `TF_SERVING_REST` (http://host:port) and `TF_SERVING_MODELS`
    (the directory that `python tests/serving/serving_models.py` wrote, as that server sees it) name
    a real one.
    """
    if "TF_SERVING_GRPC" in os.environ:
        base = Path(os.environ["TF_SERVING_MODELS"])
        with Admin(os.environ["TF_SERVING_GRPC"]) as admin:
            config = text_format.Parse(serving_models.config_text(base), ModelServerConfig())
            admin.reload(model_configs(config.model_config_list))
        yield Address(
            os.environ["TF_SERVING_GRPC"],
            os.environ["TF_SERVING_REST"].rstrip("/"),
            base,
            embedded=False,
        )
        return
    base = request.getfixturevalue("contract_base")
    settings = Settings(
        tuple(read_model_config_file(base / "models.config")),
        roots=(base.resolve(),),
        port=0,
        rest_api_port=0,
        metrics_path="/monitoring/prometheus/metrics",
        file_system_poll_wait_seconds=0.1,
    )
    with running(settings) as server:
        yield Address(
            f"127.0.0.1:{server.port}",
            f"http://127.0.0.1:{server.rest_api_port}",
            base,
            embedded=True,
        )


@pytest.fixture(scope="session")
def channel(address) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(address.grpc, [("grpc.max_receive_message_length", -1)]) as channel:
        yield channel


@pytest.fixture(scope="session")
def http(address) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address.rest, timeout=PATIENCE) as client:
        yield client
