"""Names of a package that are imported on first use (PEP 562)."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


def load(package: str, name: str, modules: Mapping[str, str] = MappingProxyType({})) -> Any:
    """Finds `package.name`: an object of one of the package's modules, or a submodule.

    Args:
        package: The package's full name.
        name: The attribute asked for.
        modules: The submodule that defines each object, by the object's name.

    Raises:
        AttributeError: The package has no such name.
    """
    if name in modules:
        return getattr(importlib.import_module(f"{package}.{modules[name]}"), name)
    if name.startswith("_") or importlib.util.find_spec(f"{package}.{name}") is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return importlib.import_module(f"{package}.{name}")
