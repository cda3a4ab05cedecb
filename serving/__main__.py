"""`keras-gan serve`: the embedded server, a client, and the commands for the real server."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from serving.errors import ServingError, UsageError

_COMMANDS = {
    "client": "serving.grid",
    "config": "serving.production",
    "launch": "serving.launch",
    "label": "serving.label",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code: 2 for bad input, 1 for a failure."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if not arguments or arguments[0] not in _COMMANDS:
            return _serve(arguments)
        with _tensorflow_quiet():
            command = importlib.import_module(_COMMANDS[arguments[0]])
            if any(argument.startswith("grpc") for argument in arguments):  # a client's URL
                importlib.import_module("serving.grpc_transport")
        return command.main(arguments[1:])
    except UsageError as error:
        print(f"keras-gan serve: {error}", file=sys.stderr)
        return 2
    except ServingError as error:
        print(f"keras-gan serve: {error.code.name}: {error.message}", file=sys.stderr)
        return 1


def _serve(arguments: Sequence[str]) -> int:
    from serving import logs
    from serving.flags import read_settings

    settings = read_settings(arguments)
    with _tensorflow_quiet():
        import tensorflow as tf

        from serving.server import Server

        tf.config.list_physical_devices()  # logs that there is no GPU
    logs.set_up()
    asyncio.run(Server(settings).run())
    return 0


@contextmanager
def _tensorflow_quiet() -> Iterator[None]:
    """Hides TensorFlow's start-up messages, which go to file descriptor 2, not to `sys.stderr`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "wb") as null:
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


if __name__ == "__main__":
    sys.exit(main())
