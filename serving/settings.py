"""Everything that the command line decides. Imports no TensorFlow: mistakes show at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving.config import Batching, ModelConfig
from serving.tls import Keys


def _limit(default: float, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Limits:
    """Limits of one request, and of all at a time; checked before anything is allocated."""

    max_request_bytes: int = _limit(16 << 20, "size of a request, and of each tensor in it")
    max_rows: int = _limit(4096, "rows in a request")
    max_concurrent: int = _limit(512, "requests at a time, for each protocol")
    max_connections: int = _limit(1024, "open REST connections")
    body_seconds: float = _limit(
        30.0, "seconds for a REST request to arrive, or for its answer to be read on"
    )


@dataclass(frozen=True)
class Settings:
    """An embedded server.

    Args:
        models: What to serve.
        roots: The directories that a reloaded configuration may point into.
        host: The address to listen on.
        port: gRPC's port; 0 lets the system choose, None turns gRPC off.
        rest_api_port: REST's port; the same rule.
        rest_api_timeout_seconds: How long a REST request may take.
        batching: The batching parameters, or None for no batching.
        metrics_path: Where the metrics page is, or None.
        keys: TLS keys, or None for plain connections.
        poll_seconds: Seconds between checks of the model directories.
        model_config_file: The file that the models were read from, or None.
        model_config_file_poll_seconds: Seconds between readings of that file; 0 for never.
        grace_seconds: How long requests may run after SIGTERM.
        threads: How many requests run at a time without batching.
        intra_op_threads: TensorFlow's threads within one operation; 0 lets it choose.
        inter_op_threads: TensorFlow's operations at a time; 0 lets it choose.
        limits: Limits of requests.
    """

    models: tuple[ModelConfig, ...]
    roots: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    port: int | None = 8500
    rest_api_port: int | None = 8501
    rest_api_timeout_seconds: float = 30.0
    batching: Batching | None = None
    metrics_path: str | None = None
    keys: Keys | None = None
    poll_seconds: float = 1.0
    model_config_file: Path | None = None
    model_config_file_poll_seconds: float = 0.0
    grace_seconds: float = 30.0
    threads: int = 4
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    limits: Limits = field(default_factory=Limits)
