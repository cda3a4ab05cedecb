"""A training run: recipe and settings, its directory, its sessions, what is measured of it."""

from keras_gan.experiment.recipe import Recipe, TrainingData
from keras_gan.experiment.settings import RunSettings, Settings, setting

__all__ = ["Recipe", "RunSettings", "Settings", "TrainingData", "setting"]
