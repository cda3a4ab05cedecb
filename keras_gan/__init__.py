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
    augmentation,
    conditioning,
    layers,
    losses,
    networks,
    optimizers,
    priors,
    regularizers,
)
from keras_gan.core import lazy, randomness
from keras_gan.core.errors import InputError, TrainingError
from keras_gan.training.ema import EMA
from keras_gan.training.gan import GAN
from keras_gan.training.sampling import transform

__version__ = "0.1.0"

# Loaded when first used, as every submodule is: they need packages that take long to import.
_LAZY = {
    "CollapseMonitor": "callbacks.collapse_monitor",
    "DiscriminatorFeatures": "experiment.scikit_learn",
    "InferenceFeatures": "experiment.scikit_learn",
    "ParzenWindow": "evaluation.likelihood.parzen",
    "Run": "experiment.run",
}

__all__ = [
    "CollapseMonitor",
    "DiscriminatorFeatures",
    "EMA",
    "GAN",
    "InferenceFeatures",
    "InputError",
    "ParzenWindow",
    "Run",
    "TrainingError",
    "augmentation",
    "callbacks",
    "cli",
    "conditioning",
    "data",
    "evaluation",
    "experiment",
    "inference",
    "layers",
    "losses",
    "networks",
    "optimizers",
    "plotting",
    "priors",
    "randomness",
    "recipes",
    "regularizers",
    "training",
    "transform",
]


def __getattr__(name: str):
    if name == "inference":
        return importlib.import_module("keras_gan.training.inference")
    return lazy.load(__name__, name, _LAZY)


def __dir__() -> list[str]:
    return sorted(__all__)
