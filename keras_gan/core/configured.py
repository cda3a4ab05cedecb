"""Objects that are saved with a model by the arguments of their constructor."""

from __future__ import annotations

import inspect
import warnings
from typing import Self

import keras


class Configured:
    """An object whose configuration is its constructor's arguments.

    Each argument, also one that went through `**kwargs`, is an attribute of the same name, or is
    left out with a warning. A subclass whose attributes have other names has its own `get_config`.
    """

    _in_kwargs: tuple[str, ...] = ()  # names of the arguments that went through `**kwargs`

    def __new__(cls, *args, **kwargs):
        if cls.__init__ is object.__init__ and (args or kwargs):  # which Python checks no longer
            raise TypeError(f"{cls.__name__}() takes no arguments")
        self = super().__new__(cls)
        known = inspect.signature(cls.__init__).parameters
        names = tuple(name for name in kwargs if name not in known)
        object.__setattr__(self, "_in_kwargs", names)  # also of a frozen dataclass
        return self

    def get_config(self) -> dict:
        """Returns the constructor's arguments, serialized."""
        _, *parameters = inspect.signature(type(self).__init__).parameters.values()
        names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        names += self._in_kwargs
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
