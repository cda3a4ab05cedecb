"""keras_gan: train, measure, export and serve generative adversarial nets with Keras 3."""

# ruff: noqa: E402 (the backend is checked before keras is imported, which fails in its own words)
from __future__ import annotations

import importlib
import os
import sys


def _check_backend(name: str) -> None:
    if name != "tensorflow":
        raise ImportError(
            f"keras_gan needs Keras on TensorFlow, but its backend is {name!r}; "
            "set KERAS_BACKEND=tensorflow before the first import of keras"
        )


if "keras" not in sys.modules:
    _check_backend(os.environ.get("KERAS_BACKEND", "tensorflow"))

import keras

_check_backend(keras.backend.backend())

from keras_gan import (
    conditions,
    layers,
    losses,
    networks,
    optimizers,
    priors,
    randomness,
    schedules,
)
from keras_gan.errors import InputError, TrainingError
from keras_gan.model import GAN
from keras_gan.sampling import transform

__version__ = "0.1.0"

# Loaded when first used: they need packages that take long to import.
_LAZY = {
    "CollapseWatch": ("keras_gan.watch", "CollapseWatch"),
    "DiscriminatorFeatures": ("keras_gan.features", "DiscriminatorFeatures"),
    "InferenceFeatures": ("keras_gan.features", "InferenceFeatures"),
    "ParzenWindow": ("keras_gan.evaluation.parzen", "ParzenWindow"),
    "callbacks": ("keras_gan.callbacks", None),
    "command": ("keras_gan.command", None),
    "data": ("keras_gan.data", None),
    "evaluation": ("keras_gan.evaluation", None),
    "inference": ("keras_gan.inference", None),
    "pictures": ("keras_gan.pictures", None),
    "recipes": ("keras_gan.recipes", None),
    "run": ("keras_gan.run", None),
}

__all__ = [
    "CollapseWatch",
    "DiscriminatorFeatures",
    "GAN",
    "InferenceFeatures",
    "InputError",
    "ParzenWindow",
    "TrainingError",
    "callbacks",
    "command",
    "conditions",
    "data",
    "evaluation",
    "inference",
    "layers",
    "losses",
    "networks",
    "optimizers",
    "pictures",
    "priors",
    "randomness",
    "recipes",
    "run",
    "schedules",
    "transform",
]


def __getattr__(name: str):
    if name not in _LAZY:
        raise AttributeError(f"module 'keras_gan' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    loaded = importlib.import_module(module)
    value = loaded if attribute is None else getattr(loaded, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
