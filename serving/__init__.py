"""Serve generators, and any SavedModel, with the protocol of TensorFlow Serving.

`keras-gan serve EXPORT_DIR` starts the embedded server, `keras-gan serve config` writes what the
real one needs, and `Client` talks to either. Nothing here imports `keras_gan`.
"""

from __future__ import annotations

from serving.client import AsyncClient, Client, ClientKeys  # none of them needs TensorFlow
from serving.errors import ServingError, UsageError

__all__ = ["AsyncClient", "Client", "ClientKeys", "ServingError", "UsageError"]
