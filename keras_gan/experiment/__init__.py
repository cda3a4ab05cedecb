"""A training run: recipe and settings, its directory, its sessions, what is measured of it."""

from typing import Any

from keras_gan.core import lazy
from keras_gan.core.settings import setting
from keras_gan.experiment.recipe import Recipe, TrainingData
from keras_gan.experiment.settings import RunSettings, Settings

__all__ = ["Recipe", "RunSettings", "Settings", "TrainingData", "setting"]


def __getattr__(name: str) -> Any:
    return lazy.load(__name__, name)
