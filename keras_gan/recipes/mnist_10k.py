"""Bundled digits: 10,000 images of MNIST, by class. The recipe that needs no download.

    keras-gan train

The networks of `mnist_r3gan_conditional`, narrower, for 100,000 images.
"""

import dataclasses
from typing import Self

from keras_gan.experiment import TrainingData, setting
from keras_gan.experiment.settings import PRECISIONS
from keras_gan.experiment.speed import bfloat16_is_native
from keras_gan.recipes import mnist_r3gan_conditional

build = mnist_r3gan_conditional.build


@dataclasses.dataclass(frozen=True)
class Settings(mnist_r3gan_conditional.Settings):
    """Those of `mnist_r3gan_conditional`, narrower, with lengths for 100,000 images."""

    dataset: str = "mnist_10k"
    width: int = 12
    learning_rate_decay: int = 100_000
    final_gamma: float = 1.0  # as at first: with 0.1, recall is 0.74 instead of 0.76
    burn_in: int = 25_000
    ema_half_life: int = 5_000
    epochs: int = 10
    distance_every: int = 0
    likelihood_every: int = 10
    likelihood_samples: int = 1_000
    precision: str = setting(
        "auto",
        "float32, mixed_bfloat16 or auto: the latter where products are faster in it",
        choices=("auto", *PRECISIONS),
    )

    def resolve(self, data: TrainingData) -> Self:
        """Chooses the precision, by the machine."""
        if self.precision != "auto":
            return self
        precision = "mixed_bfloat16" if bfloat16_is_native() else "float32"
        return dataclasses.replace(self, precision=precision)
