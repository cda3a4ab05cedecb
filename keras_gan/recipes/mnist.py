"""MNIST, as in the paper (section 5, Table 1) and its released code.

    keras-gan train --recipe mnist

Weights uniform in [-0.05, 0.05] (G) and [-0.005, 0.005] (D); G's output bias at the logit of the
pixel means. Published: 225 +- 2 nats. An epoch takes about 10 seconds on two cores.

The moving average of G's weights is ours; it changes no update. After ten epochs seeds 0, 1 and 2
had 1, -12 and 34 nats on validation images, and the average of seed 0's weights 122; after 1,000
epochs (2.6 hours) seed 0 has 212 nats on test images, and the average 220.
"""

import dataclasses

from keras_gan import networks
from keras_gan.experiment import TrainingData
from keras_gan.recipes.settings import (
    Built,
    LatentSettings,
    Networks,
    PaperSettings,
    model,
    output_activation,
    start_at_mean,
)


@dataclasses.dataclass(frozen=True)
class Settings(PaperSettings):
    """The released code's settings."""

    dataset: str = "mnist"
    epochs: int = 300
    ema_momentum: float = 0.999
    likelihood_every: int = 5
    likelihood_samples: int = 10_000


def make_networks(
    settings: LatentSettings,
    data: TrainingData,
    *,
    width: int = 1200,
    units: int = 240,
    irange: float = 0.005,
    input_noise: float = 0.0,
) -> Networks:
    """Two rectifier layers, two maxout layers; of MNIST 2,503,984 and 1,231,441 parameters."""
    generator = networks.mlp_generator(
        settings.latent_dim,
        data.shape,
        hidden=[(width, "relu"), (width, "relu")],
        output_activation=output_activation(settings),
        seed=settings.seed,
    )
    start_at_mean(generator, settings, data)
    discriminator = networks.maxout_discriminator(
        data.shape, units=units, irange=irange, input_noise=input_noise, seed=settings.seed + 1
    )
    return generator, discriminator


def build(settings: Settings, data: TrainingData) -> Built:
    """The model, and how it learns."""
    return model(settings, data, *make_networks(settings, data))
