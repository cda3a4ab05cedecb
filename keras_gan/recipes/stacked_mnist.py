"""Stacked MNIST: three digits on three channels, a thousand modes, by R3GAN's objective.

    keras-gan train --recipe stacked_mnist

The data set that counts modes (Metz et al. 2017; Lin et al. 2018): a generator that covers it makes
each of the numbers 000 to 999. `keras_gan.evaluation.collapse.stacked_modes` counts them.
"""

import dataclasses

from keras_gan.experiment import TrainingData
from keras_gan.recipes import mnist_r3gan
from keras_gan.recipes.settings import Built


@dataclasses.dataclass(frozen=True)
class Settings(mnist_r3gan.Settings):
    """Those of `mnist_r3gan`, for 1.5 million images."""

    dataset: str = "stacked_mnist"
    learning_rate_decay: int = 1_536_000
    epochs: int = 12
    likelihood_every: int = 0


def build(settings: Settings, data: TrainingData) -> Built:
    """The model of `mnist_r3gan`, for three channels."""
    return mnist_r3gan.build(settings, data)
