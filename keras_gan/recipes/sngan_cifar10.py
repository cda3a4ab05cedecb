"""CIFAR-10 with spectrally normalized residual networks and the hinge loss (Miyato et al. 2018).

    keras-gan train --recipe sngan_cifar10

arXiv:1802.05957: five updates of D for each of G, Adam without momentum, 100,000 updates of G with
a rate that falls to 0. Lee and Town 2020 (mimicry, arXiv:2005.02494) report an FID of 16.77.
"""

import dataclasses
from typing import Any

from keras_gan import experiment, networks, optimizers
from keras_gan.core.errors import InputError
from keras_gan.experiment import TrainingData, setting
from keras_gan.optimizers.schedules import Linear
from keras_gan.recipes.settings import Built, LatentSettings, model


@dataclasses.dataclass(frozen=True)
class Settings(LatentSettings, experiment.Settings):
    """The published settings."""

    dataset: str = "cifar10"
    preprocessing: str = "symmetric_range"
    prior: str = "normal"
    latent_dim: int = 128
    batch_size: int = 64
    discriminator_steps: int = 5
    width: int = setting(256, "channels of G; D has half as many", least=2, most=2**12)
    learning_rate: float = setting(2e-4, "learning rate of both networks, at first", above=0)
    learning_rate_decay: int = setting(32_000_000, "images seen by D until the rate is 0", least=1)
    ema_momentum: float = 0.9999
    epochs: int = 800
    likelihood_every: int = 0
    distance_every: int = 10

    def compile_arguments(self, data: TrainingData, loss: str) -> dict[str, Any]:
        """The loss and the optimizers, as `GAN.compile` has them."""

        def optimizer() -> optimizers.Adam:
            rate = Linear(self.learning_rate, 0.0, self.learning_rate_decay)
            return optimizers.Adam(rate, beta_1=0.0, beta_2=0.9)

        return {
            "generator_optimizer": optimizer(),
            "discriminator_optimizer": optimizer(),
            "loss": loss,
        }


def build(settings: Settings, data: TrainingData) -> Built:
    """The model, and how it learns."""
    if settings.preprocessing == "global_contrast":
        raise InputError(
            "recipe 'sngan_cifar10' has a G that ends in tanh, which cannot reach the scale of "
            "--preprocessing global_contrast: leave it out"
        )
    generator = networks.sngan_generator(
        data.shape, settings.latent_dim, width=settings.width, seed=settings.seed
    )
    discriminator = networks.sngan_discriminator(
        data.shape, width=settings.width // 2, seed=settings.seed + 1
    )
    return model(settings, data, generator, discriminator, "hinge")
