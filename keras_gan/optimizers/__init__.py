"""Optimizers and schedules."""

from keras_gan.optimizers import schedules
from keras_gan.optimizers.adam import Adam
from keras_gan.optimizers.momentum_sgd import MomentumSGD

__all__ = ["Adam", "MomentumSGD", "schedules"]
