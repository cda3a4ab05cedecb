"""Everything that the command line decides. Needs no TensorFlow, so that mistakes show at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from serving.config import Batching, ModelConfig
from serving.tls import Keys


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may take. Checked before anything is allocated.

    Args:
        max_request_bytes: The size of a request, and of each tensor that it declares.
        max_rows: Rows in one request.
        max_concurrent: Requests at a time, for each protocol.
        max_connections: Open connections of the REST server.
        body_seconds: How long a REST client may take to send its request, and how long it may take
            nothing of its answer.
    """

    max_request_bytes: int = 16 << 20
    max_rows: int = 4096
    max_concurrent: int = 512
    max_connections: int = 1024
    body_seconds: float = 30.0


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
        poll_seconds: How often the model directories are looked at.
        model_config_file: Where the models were read from, if they were.
        model_config_file_poll_seconds: How often that file is read again; 0 for never.
        grace_seconds: How long requests may go on after the end was asked for.
        threads: How many requests run at a time without batching.
        intra_op_threads: TensorFlow's threads within one operation; 0 lets it choose.
        inter_op_threads: TensorFlow's operations at a time; 0 lets it choose.
        limits: What a request may take.
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
