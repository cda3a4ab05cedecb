"""The values of arguments that are numbers, checked; bad ones raise `InputError`."""

from __future__ import annotations

import math
import numbers
from typing import Any

from keras_gan.core.errors import InputError


def whole(name: str, value: Any, least: int = 1, most: float = math.inf) -> int:
    """An int from `least` to `most`; NumPy's integers are taken, booleans are not."""
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or not least <= int(value) <= most:
        limits = f">= {least}" if most == math.inf else f"in [{least}, {most}]"
        raise InputError(f"`{name}` must be an int {limits}. Received: {value!r}")
    return int(value)


def share(name: str, value: float) -> float:
    """A number in [0, 1)."""
    if not 0 <= value < 1:
        raise InputError(f"`{name}` must be in [0, 1). Received: {value!r}")
    return value


def weight(name: str, value: float) -> float:
    """A finite number >= 0."""
    if not 0 <= value < math.inf:
        raise InputError(f"`{name}` must be a finite number >= 0. Received: {value!r}")
    return value
