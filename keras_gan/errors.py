"""The errors of keras_gan.

    ValueError
    └── InputError       the caller gave something that cannot be used
    RuntimeError
    └── TrainingError    training met something that it cannot go on from

A command prints either as one line, without a traceback. Any other exception is a bug.
"""

from __future__ import annotations

import re


class InputError(ValueError):
    """An input cannot be used; the message names it, what was expected and how to mend it."""


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the epoch and the step, and what is left on disk."""


def first_line(error: BaseException) -> str:
    """What an error of a library says, in one line, for a message of ours."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Keras puts the place before the fault.
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        del lines[0]
    return lines[0] if lines else type(error).__name__
