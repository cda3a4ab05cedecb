"""Bundled digits: 10,000 images of MNIST, by class. The recipe that needs no download.

    keras-gan train

`mnist_r3gan_conditional`, for 50,000 images: 143 to 188 s on one or two slow cores.
"""

import dataclasses

from keras_gan.recipes import mnist_r3gan_conditional

build = mnist_r3gan_conditional.build


@dataclasses.dataclass(frozen=True)
class Settings(mnist_r3gan_conditional.Settings):
    """Those of `mnist_r3gan_conditional`, with lengths for 50,000 images."""

    dataset: str = "mnist_10k"
    learning_rate_decay: int = 50_000
    burn_in: int = 15_000
    ema_half_life: int = 3_000
    epochs: int = 5
    distance_every: int = 0
    likelihood_every: int = 5
    likelihood_samples: int = 1_000
