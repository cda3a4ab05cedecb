"""Augmentation of what the discriminator receives, real and generated examples alike."""

from keras_gan.augmentation import pixels
from keras_gan.augmentation.base import Augmentation
from keras_gan.augmentation.pixels import *

__all__ = ["Augmentation", *pixels.__all__]
