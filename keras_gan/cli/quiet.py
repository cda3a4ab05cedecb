"""Importing this module imports TensorFlow without its start-up messages, unless they are wanted.

TensorFlow writes them on file descriptor 2, below Python, whatever TF_CPP_MIN_LOG_LEVEL is. A user
who sets that to 0 or 1 sees them.
"""

from __future__ import annotations

import importlib
import os
import sys


def _import_tensorflow() -> None:
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") < "2":
        return
    sys.stderr.flush()
    stderr = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        tensorflow = importlib.import_module("tensorflow")
        tensorflow.config.list_physical_devices()  # looks for GPUs, and complains
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


_import_tensorflow()
