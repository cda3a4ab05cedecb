"""Augmentation of what the discriminator receives, real and generated examples alike."""

from keras_gan.augmentation import adaptive, diffaugment, pixels, transforms
from keras_gan.augmentation.adaptive import *
from keras_gan.augmentation.base import Augmentation, Chain, get
from keras_gan.augmentation.diffaugment import *
from keras_gan.augmentation.pixels import *
from keras_gan.augmentation.transforms import *

__all__ = [
    "Augmentation",
    "Chain",
    "get",
    *pixels.__all__,
    *diffaugment.__all__,
    *adaptive.__all__,
    *transforms.__all__,
]
