"""`keras-gan serve`: the embedded server, a client, and the commands for the real server."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from serving.errors import ServingError, UsageError

_COMMANDS = {  # module and function
    "client": ("serving.grid", "main"),
    "config": ("serving.production", "main"),
    "launch": ("serving.operations", "launch"),
    "label": ("serving.operations", "label"),
}
_PACKAGES = (  # modules of the extra `serving`
    *("grpc", "grpc_health", "grpc_reflection", "httpx", "orjson", "prometheus_client"),
    *("starlette", "tensorflow_serving", "uvicorn", "yaml"),
)
_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code: 2 for bad input, 1 for a failure."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if missing := missing_packages():
        print(
            f"keras-gan serve: {', '.join(missing)}: not installed; in a checkout: "
            "pip install '.[serving]'",
            file=sys.stderr,
        )
        return 2
    try:
        if not arguments or arguments[0] not in _COMMANDS:
            return _serve(arguments)
        with _starting_tensorflow():
            module, function = _COMMANDS[arguments[0]]
            command = getattr(importlib.import_module(module), function)
            if any(argument.startswith("grpc") for argument in arguments):  # a client's URL
                importlib.import_module("serving.grpc_transport")
        return command(arguments[1:])
    except UsageError as error:
        print(f"keras-gan serve: {error}", file=sys.stderr)
        return 2
    except ServingError as error:
        print(f"keras-gan serve: {error.code.name}: {error.message}", file=sys.stderr)
        return 1


def missing_packages() -> list[str]:
    """Those of the extra `serving` that are not installed."""
    return [name for name in _PACKAGES if importlib.util.find_spec(name) is None]


def _serve(arguments: Sequence[str]) -> int:
    from serving.settings import read_settings

    set_up_logs()
    settings = read_settings(arguments)
    with _starting_tensorflow():
        import tensorflow as tf

        from serving.server import Server

        tf.config.list_physical_devices()  # logs that there is no GPU
    set_up_logs()  # again: TensorFlow added a handler
    asyncio.run(Server(settings).run())
    return 0


@contextmanager
def _starting_tensorflow() -> Iterator[None]:
    """Hides TensorFlow's start-up messages, which go to file descriptor 2, not to `sys.stderr`.

    It gets oneDNN's kernels, as in the other commands: faster convolutions on all processors.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a line for each failed handshake
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "wb") as null:
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


class JsonFormatter(logging.Formatter):
    """Time, level, logger and message, and whatever `extra=` adds."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def set_up_logs(level: int = logging.INFO) -> None:
    """Sends this process's log to standard error; that of libraries only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("serving").setLevel(level)
    # TensorFlow warns that the loader which all servers use is deprecated.
    tensorflow = logging.getLogger("tensorflow")
    tensorflow.handlers.clear()
    tensorflow.setLevel(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main())
