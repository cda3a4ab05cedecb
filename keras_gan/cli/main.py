"""`keras-gan`: one command whose sub-commands are entry points of the group `keras_gan.commands`.

A sub-command is a function from its arguments to an exit code. Only the one that is asked for is
imported, so that this package needs neither `export` nor `serving`.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib.metadata
import sys
from collections.abc import Sequence

import keras_gan
from keras_gan.core.errors import SurroundingsError, faulty_file, question
from keras_gan.core.files import flush_output

GROUP = "keras_gan.commands"
_LINES = {
    "train": "train a model; leaves a run directory",
    "evaluate": "measure a finished run",
    "generate": "write samples of a finished run as files",
    "figures": "draw a finished run",
    "report": "write a report of runs as one HTML file",
    "watch": "follow a run in a browser while it trains",
    "measure": "compare any two sets of pictures",
    "reference": "compute features of real pictures once, for measure",
    "pack": "write a run to one file that training continues from",
    "unpack": "make a run directory from such a file",
    "export": "write a finished run as SavedModel and ONNX",
    "serve": "serve exports over REST and gRPC",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a sub-command; returns its exit code (2: there is no such sub-command)."""
    name, *arguments = (sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        code = _run(name, arguments)
        flush_output()
        return code
    except OSError as error:  # of the lists below; sub-commands report their own
        print(f"keras-gan: error: {faulty_file(error)}: {error.strerror}", file=sys.stderr)
        with contextlib.suppress(OSError):
            flush_output()
        return SurroundingsError.exit_code
    except KeyboardInterrupt:  # while the sub-command is looked for and imported
        print(f"{name}: ended at once", file=sys.stderr)
        return 130


def _run(name: str, arguments: Sequence[str]) -> int:
    commands = {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}
    if name == "--version":
        print(f"keras-gan {keras_gan.__version__}")
        return 0
    if not commands:
        return _refuse("its sub-commands are not installed; in a checkout: pip install -e .")
    if name in ("-h", "--help"):
        print("usage: keras-gan SUBCOMMAND [--help] ...\n")
        for known in sorted(commands, key=[*_LINES, *commands].index):
            print(f"  {known:<12}{_LINES.get(known, commands[known].value)}")
        return 0
    if name not in commands:
        near = question(difflib.get_close_matches(name.lower(), [*commands, "--version", "--help"]))
        names = ", ".join(sorted(commands))
        return _refuse(f"unknown sub-command {name!r}; choose from {names}{near}")
    return commands[name].load()(arguments)


def _refuse(message: str) -> int:
    print(f"keras-gan: error: {message}", file=sys.stderr)
    return 2
