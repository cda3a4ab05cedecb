"""keras_gan: train, measure, export and serve generative adversarial nets with Keras 3.

Importing it is light: TensorFlow is loaded with the first name that is used.
"""

from __future__ import annotations

import importlib
import os
import sys

__version__ = "0.1.0"

# Public names and where they are; None stands for the module itself.
_NAMES = {
    "CollapseMonitor": ("callbacks.collapse_monitor", "CollapseMonitor"),
    "DiscriminatorFeatures": ("experiment.scikit_learn", "DiscriminatorFeatures"),
    "EMA": ("training.ema", "EMA"),
    "GAN": ("training.gan", "GAN"),
    "InferenceFeatures": ("experiment.scikit_learn", "InferenceFeatures"),
    "InputError": ("core.errors", "InputError"),
    "ParzenWindow": ("evaluation.likelihood.parzen", "ParzenWindow"),
    "Run": ("experiment.run", "Run"),
    "TrainingError": ("core.errors", "TrainingError"),
    "augmentation": ("augmentation", None),
    "callbacks": ("callbacks", None),
    "cli": ("cli", None),
    "conditioning": ("conditioning", None),
    "data": ("data", None),
    "evaluation": ("evaluation", None),
    "experiment": ("experiment", None),
    "inference": ("training.inference", None),
    "layers": ("layers", None),
    "losses": ("losses", None),
    "networks": ("networks", None),
    "optimizers": ("optimizers", None),
    "plotting": ("plotting", None),
    "priors": ("priors", None),
    "randomness": ("core.randomness", None),
    "recipes": ("recipes", None),
    "regularizers": ("regularizers", None),
    "training": ("training", None),
    "transform": ("training.sampling", "transform"),
}
# What defines the classes that Keras must know to load a saved model.
_REGISTERED = (
    *("augmentation", "conditioning", "layers", "losses", "networks", "optimizers", "priors"),
    *("regularizers", "training.gan", "training.inference"),
)
_loaded = False

__all__ = list(_NAMES)


def _check_backend(name: str) -> None:
    if name != "tensorflow":
        raise ImportError(
            f"keras_gan needs Keras on TensorFlow, but its backend is {name!r}; "
            "set KERAS_BACKEND=tensorflow before the first import of keras"
        )


def _load() -> None:
    global _loaded
    if _loaded:
        return
    _loaded = True
    _check_backend(importlib.import_module("keras").backend.backend())
    for module in _REGISTERED:
        importlib.import_module(f"keras_gan.{module}")


def __getattr__(name: str):
    if name not in _NAMES:
        raise AttributeError(f"module 'keras_gan' has no attribute {name!r}")
    _load()
    module, attribute = _NAMES[name]
    value = importlib.import_module(f"keras_gan.{module}")
    globals()[name] = value if attribute is None else getattr(value, attribute)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(__all__)


if "keras" in sys.modules:  # a saved model may be loaded next, without a name from here
    _load()
else:
    _check_backend(os.environ.get("KERAS_BACKEND", "tensorflow"))
