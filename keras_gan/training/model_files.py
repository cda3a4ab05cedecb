"""Reads model files, which may come from somebody else, and makes them small."""

from __future__ import annotations

import functools
import io
import re
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

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


def is_whole(file: Path) -> bool:
    """Whether a `.keras` file is there, with all of its parts as they were written."""
    if not file.is_file():
        return False
    stat = file.stat()
    return _is_whole(file, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache  # pages that follow a run ask often, and all bytes are read
def _is_whole(file: Path, changed: int, size: int) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except Exception:  # a damaged file may fail in any way
        return False


def _reason(file: Path, error: Exception, distrusted: str) -> str:
    """Why a file cannot be loaded."""
    if not zipfile.is_zipfile(file):
        return "it is empty, cut short or not a .keras file"
    return cause(error, distrusted)


def cause(error: Exception, distrusted: str = "") -> str:
    """The words of Keras's error that matter, which are inside a long text."""
    if unsafe := re.search(r"Requested the deserialization of an? `(\w+)`", str(error)):
        return f"it holds a {unsafe[1]} layer, which may run any code; use a layer class instead"
    unknown = re.search(r"Could not locate \w+ '[^']+'", str(error))
    if unknown is None:
        return first_line(error)
    register = "decorate it with @keras.saving.register_keras_serializable(), and import it first"
    return unknown[0] + (f", and {distrusted}" if distrusted else f"; {register}")


def halve(file: Path) -> None:
    """Stores the float32 arrays of a `.keras` file as float16; Keras reads them as float32.

    Raises:
        InputError: An array has numbers that are infinite in float16.
    """
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    stored = io.BytesIO()
    with (
        h5py.File(io.BytesIO(parts["model.weights.h5"])) as source,
        h5py.File(stored, "w") as target,
    ):
        _copy(source, target)
    parts["model.weights.h5"] = stored.getvalue()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _copy(source: h5py.Group, target: h5py.Group) -> None:
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy(item, target.create_group(name))
            continue
        array = item[()]
        target[name] = _half(array, item.name) if array.dtype == np.float32 else array
        target[name].attrs.update(item.attrs)  # such as the type of arrays in bfloat16


def _half(array: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    if lost := np.abs(array[np.isfinite(array) & ~np.isfinite(half)]).tolist():
        raise InputError(
            "presets store weights in float16, whose numbers end at 65504. Received: "
            f"{max(lost):.3g} in the array {name} of the model's file"
        )
    return half
