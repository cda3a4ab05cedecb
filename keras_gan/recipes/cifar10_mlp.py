"""CIFAR-10, fully connected, as in the paper (Figure 2c) and its released code.

    keras-gan train --recipe cifar10_mlp

Global contrast normalization to norm 55; linear output with initial weights in [-0.5, 0.5], so that
the first samples are thirteen times as strong as the data: with seed 0 that is over after three
epochs in float32, and training diverges with `--precision mixed_bfloat16` (docs/measurements.md).
"""

import dataclasses

from keras_gan import networks
from keras_gan.experiment import TrainingData
from keras_gan.recipes.settings import Built, PaperSettings, model


@dataclasses.dataclass(frozen=True)
class Settings(PaperSettings):
    """The released code's settings."""

    dataset: str = "cifar10"
    preprocessing: str = "global_contrast"
    prior: str = "normal"
    generator_learning_rate: float = 0.025
    discriminator_learning_rate: float = 0.025
    epochs: int = 300
    likelihood_every: int = 0


def build(settings: Settings, data: TrainingData) -> Built:
    """Networks of about 89 and 38 million parameters."""
    generator = networks.mlp_generator(
        settings.latent_dim,
        data.shape,
        hidden=[(8000, "relu"), (8000, "sigmoid")],
        output_activation="linear",
        output_irange=0.5,
        seed=settings.seed,
    )
    discriminator = networks.maxout_discriminator(data.shape, units=1600, seed=settings.seed + 1)
    return model(settings, data, generator, discriminator)
