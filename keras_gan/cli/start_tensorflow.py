"""Importing this module imports TensorFlow with fast kernels, and without its messages.

oneDNN's kernels are used on all processors; TensorFlow by itself uses them only on those that have
AVX512 VNNI. Without it, they make steps of convolutional recipes up to twice as fast, and steps of
fully connected recipes hardly faster (docs/scaling.md, "CPUs"). A user who sets
TF_ENABLE_ONEDNN_OPTS decides.

Messages of its start are written on file descriptor 2, below Python, whatever TF_CPP_MIN_LOG_LEVEL
is. Some of the later ones report as an error that a graph could not be optimized further, which
changes no result; real failures raise exceptions. A user who sets that variable to 0 or 1 sees all
of them.
"""

from __future__ import annotations

import importlib
import io
import os
import sys


def _prepare_standard_streams() -> None:
    """Opens those that are closed (`>&-`), before other files get their numbers.

    Characters that the encoding of standard output lacks, such as ± in ASCII, become "?".
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _import_tensorflow() -> None:
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") < "2":
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


_prepare_standard_streams()
_import_tensorflow()
