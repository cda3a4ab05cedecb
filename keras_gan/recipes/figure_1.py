"""One-dimensional data for Figure 1: a Gaussian, as in the paper.

    keras-gan train --recipe figure_1
    keras-gan figure-1

Both networks are smooth and the prior is normal, so that `p_g` and with it D* have no corners and no
edges: a uniform prior would end `p_g` where the data do not end.
"""

import dataclasses
from typing import Any

from keras_gan import networks
from keras_gan.data import DataSet
from keras_gan.evaluation.gaussians import GaussianMixture
from keras_gan.experiment import TrainingData
from keras_gan.recipes import ring
from keras_gan.recipes.settings import AdamSettings, LatentSettings, LossSettings
from keras_gan.training.gan import GAN

MIXTURE = GaussianMixture([1.0], sd=0.6)


@dataclasses.dataclass(frozen=True)
class Settings(LossSettings, AdamSettings, LatentSettings):
    """Settings for points on a line."""

    prior: str = "normal"
    latent_dim: int = 1
    batch_size: int = 500
    discriminator_loss_weight: float = 0.5
    generator_learning_rate: float = 5e-4
    discriminator_learning_rate: float = 5e-3
    learning_rate_divisor: float = 1.001
    epochs: int = 40


def load_data(settings: Settings) -> DataSet:
    """Points of the Gaussian."""
    return ring.draw("figure_1", MIXTURE)


def build(settings: Settings, data: TrainingData) -> tuple[GAN, dict[str, Any]]:
    """Networks of 1,153 and 4,353 parameters."""
    hidden = {"generator": (32, "softplus"), "discriminator": (64, "tanh")}
    generator, discriminator = (
        networks.mlp_generator(
            inputs,
            (1,),
            hidden=[hidden[name]] * 2,
            output_activation="linear",
            irange=0.3,
            seed=seed,
            name=name,
        )
        for name, inputs, seed in (
            ("generator", settings.latent_dim, settings.seed),
            ("discriminator", 1, settings.seed + 1),
        )
    )
    gan = GAN(
        generator, discriminator, settings.make_prior(), seed=settings.seed, ema=settings.ema
    )
    return gan, settings.compile_arguments(data, settings.loss)
