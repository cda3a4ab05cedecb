"""Versions of the software that decides a result."""

from __future__ import annotations

import importlib.metadata
import platform

_PACKAGES = (
    "keras_gan",
    "tensorflow",
    "keras",
    "numpy",
    "tensorflow-probability",
    "tensorflow-datasets",
)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    by_name = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            by_name[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            by_name[name] = "unknown"
    return by_name
