"""The errors of keras_gan.

    ValueError
    └── InputError       the caller gave something that cannot be used
    RuntimeError
    └── TrainingError    training met something that it cannot go on from

A command prints either as one line, without a traceback. Any other exception is a bug.
"""

from __future__ import annotations


class InputError(ValueError):
    """An input cannot be used; the message names it, what was expected and how to mend it."""


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the epoch and the step, and what is left on disk."""
