"""The values of arguments, most of them numbers, checked; bad ones raise `InputError`."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Iterable
from typing import Any

from keras_gan.core.errors import InputError


def whole(name: str, value: Any, least: int = 1, most: float = math.inf) -> int:
    """An int from `least` to `most`; NumPy's integers are taken, booleans are not."""
    if not _is_integer(value) or not least <= int(value) <= most:
        limits = f">= {least}" if most == math.inf else f"in [{least}, {most}]"
        raise InputError(f"`{name}` must be an int {limits}. Received: {value!r}")
    return int(value)


def wholes(**values: Any) -> tuple[int, ...]:
    """Ints >= 1 by name, in their order; see `whole`."""
    return tuple(whole(name, value) for name, value in values.items())


def integer(name: str, value: Any) -> int:
    """Any int, such as a seed; NumPy's integers are taken, booleans are not."""
    if not _is_integer(value):
        raise InputError(f"`{name}` must be an int. Received: {value!r}")
    return int(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def shape(name: str, value: Iterable[int]) -> tuple[int, ...]:
    """The shape of one example."""
    if not isinstance(value, Iterable) or isinstance(value, str):
        raise InputError(f"`{name}` must be a tuple of ints. Received: {value!r}")
    return tuple(whole(name, size) for size in value)


def image_shape(name: str, value: Iterable[int]) -> tuple[int, int, int]:
    """The shape of one image."""
    checked = shape(name, value)
    if len(checked) != 3:
        raise InputError(f"`{name}` must be a shape (h, w, c), as images have. Received: {value!r}")
    return checked


def is_number(value: Any) -> bool:
    """Whether it is a number; NumPy's are, booleans are not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def probability(name: str, value: float) -> float:
    """A number in [0, 1]."""
    if not (is_number(value) and 0 <= value <= 1):
        raise InputError(f"`{name}` must be a number in [0, 1]. Received: {value!r}")
    return value


def share(name: str, value: float) -> float:
    """A number in [0, 1)."""
    if not (is_number(value) and 0 <= value < 1):
        raise InputError(f"`{name}` must be in [0, 1). Received: {value!r}")
    return value


def weight(name: str, value: float) -> float:
    """A finite number >= 0."""
    if not (is_number(value) and 0 <= value < math.inf):
        raise InputError(f"`{name}` must be a finite number >= 0. Received: {value!r}")
    return value


def defines(part: Any, base: type, *methods: str) -> None:
    """Refuses an object of a subclass of `base` that defines none of these methods."""
    used = {getattr(getattr(part, name), "__func__", None) for name in methods}
    if used - {getattr(base, name) for name in methods}:
        return
    calls = []
    for name in methods:
        _, *parameters = inspect.signature(getattr(base, name)).parameters  # without self
        calls.append(f"`{name}({', '.join(parameters)})`")
    raise InputError(f"{type(part).__name__} must define {' or '.join(calls)}")
