"""`python -m serving`: the embedded server, and the commands around the real one."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from serving.errors import ServingError, UsageError

_COMMANDS = {
    "config": "serving.production",
    "launch": "serving.launch",
    "label": "serving.label",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code: 2 for a wrong use, 1 for a failure."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments and arguments[0] in _COMMANDS:
            return importlib.import_module(_COMMANDS[arguments[0]]).main(arguments[1:])
        return _serve(arguments)
    except UsageError as error:
        print(f"python -m serving: {error}", file=sys.stderr)
        return 2
    except ServingError as error:
        print(f"python -m serving: {error.code.name}: {error.message}", file=sys.stderr)
        return 1


def _serve(arguments: Sequence[str]) -> int:
    from serving import logs
    from serving.flags import read_settings

    settings = read_settings(arguments)
    with _tensorflow_quiet():
        from serving.server import Server
    logs.set_up()
    asyncio.run(Server(settings).run())
    return 0


@contextmanager
def _tensorflow_quiet() -> Iterator[None]:
    """TensorFlow greets on file descriptor 2, below Python, when it is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


if __name__ == "__main__":
    sys.exit(main())
