"""Settings: frozen dataclasses whose fields have a help text, a type and limits.

The command line derives its flags from them, and every value is checked when the object is made,
whether it comes from a flag, from a file or from Python.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import os
import sys
import types
import typing
from collections.abc import Collection
from typing import Any, Literal

from keras_gan.core.errors import InputError
from keras_gan.core.paths import check_folder, check_path

_LARGEST: dict[type, float] = {int: 2**63 - 1, float: 3.4e38}  # int64 and float32 hold these
_PATHS = {"path": check_path, "folder": check_folder}
_LIMITS = {
    "least": ("at least", operator.ge),
    "most": ("at most", operator.le),
    "above": ("above", operator.gt),
    "below": ("below", operator.lt),
}


def setting(
    default: Any,
    help: str,
    *,
    choices: Collection[str] = (),
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    path: Literal["", "path", "folder"] = "",
) -> Any:
    """A field of a settings class, which becomes a flag of the train command.

    A class that inherits it may give it another default: `batch_size: int = 50`.

    Args:
        default: Its value where none is given.
        help: Its meaning, in one line.
        choices: The strings that it may be.
        least: Smallest number allowed.
        most: Largest number allowed.
        above: Number that it must exceed.
        below: Number that it must not reach.
        path: The kind of place that it names: a file or folder ("path"), a folder that exists or
            can be made ("folder"), or none ("").
    """
    limits = {"least": least, "most": most, "above": above, "below": below}
    return dataclasses.field(
        default=default,
        metadata={
            "help": help,
            "choices": tuple(choices),
            "limits": {name: limit for name, limit in limits.items() if limit is not None},
            "path": path,
        },
    )


@dataclasses.dataclass(frozen=True)
class Field:
    """A setting as its class declares it."""

    name: str
    kind: type  # bool, int, float or str
    optional: bool  # whether it may be None as well
    default: Any
    help: str
    choices: tuple[str, ...]  # empty: any string
    limits: dict[str, float]  # by "least", "most", "above" and "below"
    path: str  # "path", "folder" or ""

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def flags(self) -> tuple[str, ...]:
        """The flag, and of what is true by default the one that turns it off."""
        off = (f"--no-{self.flag[2:]}",) if self.kind is bool and self.default else ()
        return (self.flag, *off)

    def checked(self, value: Any) -> Any:
        """The value, an int as float where that is the type, if it fits type and limits."""
        if value is None and self.optional:
            return None
        if self.choices and value not in self.choices:
            name = self.name.replace("_", " ")
            raise InputError(
                f"unknown {name} {value!r} for {self.flag}; choose from {', '.join(self.choices)}"
            )
        if self.kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value) if abs(value) < 2**1000 else math.inf
        fits = type(value) is self.kind
        if fits and self.kind in (int, float):
            fits = (self.kind is int or math.isfinite(value)) and all(
                _LIMITS[name][1](value, limit) for name, limit in self.limits.items()
            )
        if not fits:
            words = " and ".join(f"{_LIMITS[name][0]} {n}" for name, n in self.limits.items())
            if isinstance(value, float) and not math.isfinite(value):
                words = ""
            kind = {int: "an integer", float: "a finite number", str: "text", bool: "true or false"}
            raise InputError(f"{self.flag} must be {words or kind[self.kind]}. Received: {value!r}")
        largest = _LARGEST.get(self.kind)
        if largest is not None and not -largest <= value <= largest:
            raise InputError(
                f"{self.flag} must be from -{largest} to {largest}. Received: {value!r}"
            )
        if self.path and value != self.default:
            if self.path == "folder":  # shells leave the ~ of `--run-dir=~/a` alone
                value = os.path.expanduser(value)
            _PATHS[self.path](self.flag, value)
        return value


def fields(settings: type) -> list[Field]:
    """The settings that a class declares, those that it inherits among them."""
    hints = typing.get_type_hints(settings)
    declared = []
    for field in dataclasses.fields(settings):
        bases = (getattr(base, "__dataclass_fields__", {}) for base in settings.__mro__)
        given = (base[field.name].metadata for base in bases if field.name in base)
        metadata = next((entries for entries in given if "help" in entries), None)
        hint = hints[field.name]
        kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        kind, *others = [kind for kind in kinds if kind is not types.NoneType] or [None]
        # A recipe file's module has a name of ours.
        file = getattr(sys.modules.get(settings.__module__), "__file__", settings.__module__)
        where = f"{file}: {settings.__qualname__}.{field.name}"
        if metadata is None:
            raise InputError(f"{where} must be declared as `setting(default, help)`")
        if others or kind not in (bool, int, float, str):
            raise InputError(f"{where} must be of type bool, int, float or str. Received: {hint}")
        declared.append(Field(field.name, kind, types.NoneType in kinds, field.default, **metadata))
    return declared


@dataclasses.dataclass(frozen=True)
class Checked:
    """Base of classes of settings: checks them when an object is made."""

    def __post_init__(self) -> None:
        """Checks the type and the limits of every setting."""
        for field in fields(type(self)):
            object.__setattr__(self, field.name, field.checked(getattr(self, field.name)))
