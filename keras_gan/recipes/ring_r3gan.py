"""Eight Gaussians on a ring, with R3GAN's objective.

    keras-gan train --recipe ring_r3gan

`ring` is the paper's game on the same data.
"""

import dataclasses

from keras_gan import networks
from keras_gan.experiment import TrainingData
from keras_gan.experiment.settings import RunSettings
from keras_gan.recipes.ring import MIXTURE, load_data
from keras_gan.recipes.settings import Built, R3GANSettings, model

__all__ = ["MIXTURE", "Settings", "build", "load_data"]


@dataclasses.dataclass(frozen=True)
class Settings(R3GANSettings, RunSettings):
    """Settings for points in the plane."""

    latent_dim: int = 8
    width: int = 128
    batch_size: int = 256
    generator_learning_rate: float = 1e-3
    discriminator_learning_rate: float = 1e-3
    learning_rate_factor: float = 0.01
    learning_rate_decay: int = 22_000_000
    gamma: float = 0.05
    final_gamma: float = 0.005
    burn_in: int = 4_000_000
    ema_half_life: int = 100_000
    epochs: int = 450


def build(settings: Settings, data: TrainingData) -> Built:
    """Three layers of leaky ReLUs each, without noise or dropout."""
    width, seed = settings.width, settings.seed
    latents = (settings.latent_dim,)
    generator = networks.leaky_mlp(latents, data.shape, width=width, seed=seed, name="generator")
    discriminator = networks.leaky_mlp(
        data.shape, (1,), width=width, seed=seed + 1, name="discriminator"
    )
    return model(settings, data, generator, discriminator)
