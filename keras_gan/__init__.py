"""keras_gan: train, measure, export and serve generative adversarial nets with Keras 3.

Importing it is light: TensorFlow is loaded with the first name that is used.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from keras_gan.core import lazy

if TYPE_CHECKING:
    from keras_gan import (
        augmentation,
        callbacks,
        cli,
        conditioning,
        data,
        evaluation,
        experiment,
        layers,
        losses,
        networks,
        optimizers,
        plotting,
        presets,
        priors,
        recipes,
        regularizers,
        reporting,
        training,
    )
    from keras_gan.core import randomness
    from keras_gan.core.errors import InputError, TrainingError
    from keras_gan.evaluation.likelihood.parzen import ParzenWindow
    from keras_gan.experiment.scikit_learn import DiscriminatorFeatures, InferenceFeatures
    from keras_gan.reporting.run import Run
    from keras_gan.training import inference
    from keras_gan.training.ema import EMA
    from keras_gan.training.gan import GAN
    from keras_gan.training.sampling import transform

__version__ = "0.1.0"

__all__ = [
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
    "presets",
    "priors",
    "randomness",
    "recipes",
    "regularizers",
    "reporting",
    "training",
    "transform",
]

# Where the names are that are not sub-packages or modules of this package.
_MODULES = {
    "DiscriminatorFeatures": "experiment.scikit_learn",
    "EMA": "training.ema",
    "GAN": "training.gan",
    "InferenceFeatures": "experiment.scikit_learn",
    "InputError": "core.errors",
    "ParzenWindow": "evaluation.likelihood.parzen",
    "Run": "reporting.run",
    "TrainingError": "core.errors",
    "inference": "training",
    "randomness": "core",
    "transform": "training.sampling",
}
# What defines the classes that Keras must know to load a saved model.
_REGISTERED = (
    *("augmentation", "conditioning", "layers", "losses", "networks", "optimizers", "priors"),
    *("regularizers", "training.ema", "training.gan", "training.inference"),
)
_BACKEND = "KERAS_BACKEND"  # the variable; without it keras.json names Keras's backend
# `sys.argv[0]` of commands; the second while `python -m keras_gan.train` imports this package.
_COMMANDS = ("keras-gan", "-m")
_loaded = False


def _check_backend(name: str) -> None:
    if name != "tensorflow":
        raise ImportError(
            f"keras_gan needs Keras on TensorFlow, but its backend is {name!r}, from "
            f"{_BACKEND} or keras.json; set {_BACKEND}=tensorflow before the first import of keras"
        )


def _load() -> None:
    global _loaded
    if _loaded:
        return
    try:
        keras = importlib.import_module("keras")
    except ImportError as error:  # also that of another backend
        raise ImportError(
            f"keras_gan needs Keras on TensorFlow, but Keras cannot be imported: {error}. If that "
            f"is a backend, from {_BACKEND} or keras.json, set {_BACKEND}=tensorflow"
        ) from error
    _check_backend(keras.backend.backend())
    _loaded = True
    for module in _REGISTERED:
        importlib.import_module(f"keras_gan.{module}")


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'keras_gan' has no attribute {name!r}")
    _load()
    globals()[name] = value = lazy.load(__name__, name, _MODULES)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


if "keras" in sys.modules:  # a saved model may be loaded next, without a name from here
    _load()
elif sys.argv and os.path.basename(sys.argv[0]) in _COMMANDS:
    os.environ[_BACKEND] = "tensorflow"  # a command is a process of its own
else:
    _check_backend(os.environ.get(_BACKEND, "tensorflow"))
