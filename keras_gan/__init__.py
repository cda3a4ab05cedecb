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
from keras_gan.core import randomness
from keras_gan.core.errors import InputError, TrainingError
from keras_gan.training.ema import EMA
from keras_gan.training.gan import GAN
from keras_gan.training.sampling import transform

__version__ = "0.1.0"

# Loaded when first used: they need packages that take long to import.
_LAZY = {
    "CollapseMonitor": ("keras_gan.callbacks.collapse_monitor", "CollapseMonitor"),
    "DiscriminatorFeatures": ("keras_gan.experiment.scikit_learn", "DiscriminatorFeatures"),
    "InferenceFeatures": ("keras_gan.experiment.scikit_learn", "InferenceFeatures"),
    "ParzenWindow": ("keras_gan.evaluation.likelihood.parzen", "ParzenWindow"),
    "Run": ("keras_gan.experiment.run", "Run"),
    "callbacks": ("keras_gan.callbacks", None),
    "cli": ("keras_gan.cli", None),
    "data": ("keras_gan.data", None),
    "evaluation": ("keras_gan.evaluation", None),
    "experiment": ("keras_gan.experiment", None),
    "inference": ("keras_gan.training.inference", None),
    "plotting": ("keras_gan.plotting", None),
    "recipes": ("keras_gan.recipes", None),
    "training": ("keras_gan.training", None),
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
    if name not in _LAZY:
        raise AttributeError(f"module 'keras_gan' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    loaded = importlib.import_module(module)
    value = loaded if attribute is None else getattr(loaded, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
