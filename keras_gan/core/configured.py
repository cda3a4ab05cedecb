"""Objects that are saved with a model by the arguments of their constructor."""

from __future__ import annotations

import inspect
import warnings
from typing import Self

import keras


class Configured:
    """An object whose configuration is its constructor's arguments.

    Each argument is an attribute of the same name, or is left out with a warning. A subclass whose
    attributes have other names has its own `get_config`.
    """

    def get_config(self) -> dict:
        """Returns the constructor's arguments, serialized."""
        parameters = inspect.signature(type(self)).parameters.values()
        names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        for name in (name for name in names if not hasattr(self, name)):
            warnings.warn(
                f"{type(self).__name__} is saved without its argument {name!r}: keep it as "
                f"`self.{name}`, or write `get_config`",
                stacklevel=2,
            )
        return {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in names
            if hasattr(self, name)
        }

    @classmethod
    def from_config(cls, config: dict) -> Self:
        """Makes the object from `get_config`'s dictionary."""
        objects = keras.saving.deserialize_keras_object
        return cls(**{name: objects(value) for name, value in config.items()})
