"""Augmentation of what the discriminator receives, real and generated examples alike."""

from keras_gan.augmentation.base import Augmentation
from keras_gan.augmentation.flip import RandomFlip

__all__ = ["Augmentation", "RandomFlip"]
