"""Serve generators, and any SavedModel, with the protocol of TensorFlow Serving.

`keras-gan serve EXPORT_DIR` starts the embedded server, `keras-gan serve config` writes what the
real one needs, and `Client` talks to either. Nothing here imports `keras_gan`.
"""

from __future__ import annotations

from importlib import import_module

# Loaded on first use: a client over REST needs no TensorFlow.
_MODULES = {
    "AsyncClient": "serving.client",
    "Client": "serving.client",
    "ClientKeys": "serving.client",
    "ServingError": "serving.errors",
    "UsageError": "serving.errors",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'serving' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
