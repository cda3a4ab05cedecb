"""MNIST, one class at a time, with a small convolutional pair and R3GAN's objective.

    keras-gan train --recipe mnist_r3gan_conditional

The scale and offset of G's normalization depend on the class; D's logit has the inner product of
its features with a trained vector of the class.
"""

from keras_gan.conditioning import Classes
from keras_gan.experiment import TrainingData
from keras_gan.recipes import mnist_r3gan
from keras_gan.recipes.mnist_r3gan import Settings
from keras_gan.recipes.settings import Built, model

__all__ = ["CLASSES", "Settings", "build"]

CLASSES = 10


def build(settings: Settings, data: TrainingData) -> Built:
    """The model, and how it learns."""
    pair = mnist_r3gan.make_networks(settings, data, CLASSES)
    return model(settings, data, *pair, condition=Classes(CLASSES))
