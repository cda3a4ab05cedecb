"""Tensors of a file that PyTorch wrote before its version 1.6, read without PyTorch.

Such a file is a chain of pickles, followed by the numbers of the tensors. Nothing but tensors in
dicts is built from the pickles, so no code of the file runs.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_gan.core.errors import InputError

_MAGIC = 0x1950A86A20F9469CFC6C
_EPSILON = 1e-3  # of batch normalization in the networks here
# What reading another file raises.
_FAULTS = (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError)
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in numbers, not bytes


def read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state dict by their names.

    Raises:
        InputError: The file cannot be read, or is not one of these.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except _FAULTS as error:
        raise InputError(f"{path} is not a state dict that PyTorch wrote before 1.6") from error


def folded(
    tensors: dict[str, np.ndarray], convolution: str, norm: str
) -> tuple[np.ndarray, np.ndarray]:
    """A convolution and the batch normalization that follows it, as one convolution.

    Returns:
        The kernel `[h, w, channels, filters]` and the bias `[filters]`, float64. Of a depthwise
        convolution channels is 1.
    """
    variance = tensors[f"{norm}.running_var"].astype(np.float64)
    scale = tensors[f"{norm}.weight"] / np.sqrt(variance + _EPSILON)
    kernel = tensors[f"{convolution}.weight"].transpose(2, 3, 1, 0) * scale
    return kernel, tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale


def _read(file: io.BufferedReader) -> dict[str, np.ndarray]:
    magic, _, _, tensors, keys = (_Unpickler(file).load() for _ in range(5))
    if magic != _MAGIC:
        raise ValueError
    sizes = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    numbers = {}
    for key in keys:
        storage = sizes[key]
        if int.from_bytes(file.read(8), "little") != storage.size:
            raise ValueError
        content = file.read(storage.size * storage.dtype.itemsize)
        numbers[key] = np.frombuffer(content, storage.dtype)
    return {name: _array(tensor, numbers[tensor.storage.key]) for name, tensor in tensors.items()}


def _array(tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    steps = zip(tensor.shape, tensor.strides, strict=True)
    last = tensor.offset + sum((size - 1) * stride for size, stride in steps)
    if min(tensor.offset, *tensor.shape, *tensor.strides, 0) < 0 or last >= len(numbers):
        raise ValueError
    strides = [stride * numbers.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides)


class _Unpickler(pickle.Unpickler):
    """Builds dicts, lists, numbers and tensors; refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        allowed: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            **{("torch", kind): dtype for kind, dtype in _DTYPES.items()},
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, _, size, view = pid
        if view is not None:
            raise pickle.UnpicklingError("a view of a storage")
        return _Storage(key, dtype, size)


def _tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)
