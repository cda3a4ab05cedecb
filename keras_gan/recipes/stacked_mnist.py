"""Stacked MNIST: three digits on three channels, a thousand modes, by R3GAN's objective.

    keras-gan train --recipe stacked_mnist

The data set that counts modes (Metz et al. 2017; Lin et al. 2018): a generator that covers it makes
each of the numbers 000 to 999. `keras_gan.evaluation.collapse.stacked_modes` counts them. Seed 0,
EMA weights, after 53 minutes on one core: all 1,000, KL 0.048 (`benchmarks/stacked_modes.py`).
"""

import dataclasses

from keras_gan.experiment import TrainingData
from keras_gan.recipes import mnist_r3gan
from keras_gan.recipes.settings import Built, model


@dataclasses.dataclass(frozen=True)
class Settings(mnist_r3gan.Settings):
    """Those of `mnist_r3gan`, for wider networks without blocks and 1.5 million images."""

    dataset: str = "stacked_mnist"
    batch_size: int = 64
    width: int = 32
    final_gamma: float = 0.1
    penalty_every: int = 1
    learning_rate_factor: float = 0.1
    learning_rate_decay: int = 1_536_000
    burn_in: int = 400_000
    ema_half_life: int = 50_000
    epochs: int = 12
    distance_every: int = 4


def build(settings: Settings, data: TrainingData) -> Built:
    """The model, and how it learns."""
    pair = mnist_r3gan.make_networks(settings, data, residual=False)
    return model(settings, data, *pair)
