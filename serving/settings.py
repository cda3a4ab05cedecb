"""Everything that the command line decides. Imports no TensorFlow: mistakes show at once.

Fields with a help text are flags of the same name, most of them `tensorflow_model_server`'s.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving.config import Batching, ModelConfig
from serving.tls import Keys


def at_least(lowest: float, kind: type = int, highest: float = math.inf) -> Callable[[str], float]:
    """The type of a flag: a number in a range."""

    def read(text: str) -> float:
        value = kind(text)
        if not value >= lowest:
            raise argparse.ArgumentTypeError(f"at least {lowest} expected, not {text}")
        if value > highest:
            raise argparse.ArgumentTypeError(f"at most {highest} expected, not {text}")
        return value

    read.__name__ = "whole number" if kind is int else "number"
    return read


port_number = at_least(0, highest=65535)


def _flag(default: Any, text: str, kind: Callable[[str], Any]) -> Any:
    return field(default=default, metadata={"help": text, "type": kind})


def _own(default: float, text: str, lowest: float = 1) -> Any:
    """A flag that TensorFlow Serving does not have."""
    return _flag(default, f"{text} (embedded only)", at_least(lowest, type(default)))


@dataclass(frozen=True)
class Limits:
    """Limits of one request, and of all at a time; checked before anything is allocated."""

    max_request_bytes: int = _own(16 << 20, "size of a request, and of each tensor in it")
    max_rows: int = _own(4096, "rows in a request")
    max_concurrent: int = _own(512, "requests at a time, for each protocol")
    max_connections: int = _own(1024, "open REST connections")
    body_seconds: float = _own(
        30.0, "seconds for a REST request to arrive, and the longest pause in reading its answer"
    )


@dataclass(frozen=True)
class Settings:
    """An embedded server.

    Args:
        models: The models.
        roots: The directories that a reloaded configuration may point into.
        batching: The batching parameters, or None for no batching.
        metrics_path: The path of the metrics page, or None.
        keys: TLS keys, or None for plain connections.
        limits: Limits of requests.
        threads: How many requests run at a time without batching.

    The ports' None turns a protocol off, as 0 does on the command line; here, 0 lets the system
    choose.
    """

    models: tuple[ModelConfig, ...]
    roots: tuple[Path, ...] = ()
    batching: Batching | None = None
    metrics_path: str | None = None
    keys: Keys | None = None
    limits: Limits = Limits()
    threads: int = 4
    host: str = _flag("127.0.0.1", "the address to listen on (the real server: all)", str)
    port: int | None = _flag(8500, "gRPC's port; 0 turns it off", port_number)
    rest_api_port: int | None = _flag(8501, "REST's port; 0 turns it off", port_number)
    rest_api_timeout_in_ms: int = _flag(30_000, "for a REST request", at_least(1))
    model_config_file: Path | None = _flag(  # noqa: RUF009
        None, "the models, in a ModelServerConfig text file", Path
    )
    model_config_file_poll_wait_seconds: float = _flag(
        0, "seconds between readings of that file; 0: never", at_least(0)
    )
    file_system_poll_wait_seconds: float = _flag(
        1, "seconds between checks of the model directories; 0: never", at_least(0)
    )
    tensorflow_intra_op_parallelism: int = _flag(0, "0: automatic", at_least(0))
    tensorflow_inter_op_parallelism: int = _flag(0, "0: automatic", at_least(0))
    grace_seconds: float = _own(30.0, "how long requests may run after SIGTERM", 0)
