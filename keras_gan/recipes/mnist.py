"""MNIST, as in the paper (section 5, Table 1) and its released code.

    keras-gan train --recipe mnist

Weights uniform in [-0.05, 0.05] (G) and [-0.005, 0.005] (D); G's output bias at the logit of the
pixel means. Published: 225 +- 2 nats. An epoch takes about 10 seconds on two cores.

The moving average of G's weights is ours; it changes no update. After ten epochs seeds 0, 1 and 2
had 1, -12 and 34 nats on validation images, and the average of seed 0's weights 122; after 1,000
epochs (2.6 hours) seed 0 has 212 nats on test images, and the average 220.
"""

import dataclasses
from typing import Any

import keras

from keras_gan import experiment, networks
from keras_gan.experiment import TrainingData
from keras_gan.recipes.settings import LatentSettings, LossSettings, MomentumSettings
from keras_gan.training.gan import GAN


@dataclasses.dataclass(frozen=True)
class Settings(LossSettings, MomentumSettings, LatentSettings, experiment.Settings):
    """The released code's settings."""

    dataset: str = "mnist"
    epochs: int = 300
    ema_momentum: float = 0.999
    likelihood_every: int = 5
    likelihood_samples: int = 10_000


def make_networks(
    settings: LatentSettings, data: TrainingData, *, input_noise: float = 0.0
) -> tuple[keras.Model, keras.Model]:
    """The networks: 2,503,984 and 1,231,441 parameters."""
    generator = networks.mlp_generator(
        settings.latent_dim,
        data.shape,
        hidden=[(1200, "relu"), (1200, "relu")],
        output_activation="sigmoid",
        seed=settings.seed,
    )
    networks.set_marginal_bias(generator, data.examples.mean(axis=0))
    discriminator = networks.maxout_discriminator(
        data.shape, units=240, input_noise=input_noise, seed=settings.seed + 1
    )
    return generator, discriminator


def build(settings: Settings, data: TrainingData) -> tuple[GAN, dict[str, Any]]:
    """The model, and how it learns."""
    generator, discriminator = make_networks(settings, data)
    gan = GAN(generator, discriminator, settings.make_prior(), seed=settings.seed, ema=settings.ema)
    return gan, settings.compile_arguments(data, settings.loss)
