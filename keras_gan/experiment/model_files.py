"""Reads the model files of a run, which may come from somebody else."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import keras

from keras_gan.core.errors import InputError, first_line


def load(file: Path, distrusted: str = "") -> keras.Model:
    """Loads a `.keras` file without its optimizers; none of its content is run as Python.

    Args:
        file: The file.
        distrusted: Why the code that may define its classes was not run, if it was not.

    Raises:
        InputError: It cannot be loaded.
    """
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # a file of another's may fail in any way
        raise InputError(f"{file} cannot be loaded: {_reason(file, error, distrusted)}") from error


def _reason(file: Path, error: Exception, distrusted: str) -> str:
    """The words of Keras's error that matter, which are inside a long text."""
    if not zipfile.is_zipfile(file):
        return "it is empty, cut short or not a .keras file"
    if unsafe := re.search(r"Requested the deserialization of an? `(\w+)`", str(error)):
        return f"it holds a {unsafe[1]} layer, which may run any code; use a layer class instead"
    unknown = re.search(r"Could not locate \w+ '[^']+'", str(error))
    if unknown is None:
        return first_line(error)
    return unknown[0] + (f", and {distrusted}" if distrusted else "; import first what defines it")
