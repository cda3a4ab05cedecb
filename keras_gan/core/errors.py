"""The errors of keras_gan, and the exit codes with which commands end.

    ValueError
    └── InputError           2   the caller gave something that cannot be used
    RuntimeError
    └── TrainingError        3   the numbers broke
        ├── SurroundingsError   4   the disk, the data or another worker failed
        └── Interrupted     75   a signal asked for the end; the same command goes on

A command prints any of them as one line, without a traceback; so it does, with exit code 4, where
the system refuses to read or write (OSError). Any other exception is a bug.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence


class InputError(ValueError):
    """An input cannot be used; the message names it, what was expected and how to fix it."""

    exit_code = 2
    heading = "error"


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the epoch and the step, and what is left on disk."""

    exit_code = 3
    heading = "training stopped"


class SurroundingsError(TrainingError):
    """The disk, the data or another worker failed during training. Nothing is lost."""

    exit_code = 4


class Interrupted(TrainingError):
    """A signal asked training to end; the state is saved, and the same command goes on from it."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again
    heading = "interrupted"


def first_line(error: BaseException) -> str:
    """The first line of a library's error, for a message of ours."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Keras puts the place before the fault.
    places = ("Exception encountered when calling", "Could not automatically infer the output")
    while len(lines) > 1 and lines[0].startswith(places):
        del lines[0]
    return lines[0] if lines else type(error).__name__


def question(names: Sequence[str]) -> str:
    """The end of a message on an unknown name: what may have been meant; "" without a guess."""
    return f"; did you mean {' or '.join(names)}?" if names else ""


def faulty_file(error: OSError) -> str:
    """The name of what could not be read or written, for a message."""
    unnamed = "standard output" if isinstance(error, BrokenPipeError) else "a file"
    return os.fsdecode(error.filename or unnamed)
