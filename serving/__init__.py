"""Serve generators, and any SavedModel, behind the protocol of TensorFlow Serving.

`python -m serving EXPORT_DIR` starts the embedded server, `python -m serving config` writes what
the real one needs, and `Client` talks to either. Nothing here knows `keras_gan`.
"""

from __future__ import annotations

from importlib import import_module

__all__ = ["AsyncClient", "Client", "ClientKeys", "Samples", "ServingError", "UsageError"]

# Loaded on first use: a client over REST needs no TensorFlow.
_HOMES = {
    "AsyncClient": "serving.client",
    "Client": "serving.client",
    "ClientKeys": "serving.client",
    "Samples": "serving.client",
    "ServingError": "serving.errors",
    "UsageError": "serving.errors",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'serving' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
