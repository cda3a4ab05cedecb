"""Toronto Face Database, first stage, as in the paper's released code.

    keras-gan train --recipe tfd

The second stage (`tfd_stage2`) starts from the run directory of this one. Ask the authors of the
data for the file; the message of the command says where to put it.
"""

import dataclasses

import keras

from keras_gan import networks
from keras_gan.experiment import TrainingData, setting
from keras_gan.recipes.settings import (
    Built,
    PaperSettings,
    model,
    output_activation,
    start_at_mean,
)


@dataclasses.dataclass(frozen=True)
class Settings(PaperSettings):
    """The released code's settings."""

    dataset: str = "tfd"
    fold: int = setting(0, "fold of the data that is validated and tested on", least=0, most=4)
    prior: str = "normal"
    generator_learning_rate: float = 0.05
    discriminator_learning_rate: float = 0.05
    epochs: int = 50
    likelihood_every: int = 5


def make_discriminator(settings: Settings, data: TrainingData) -> keras.Model:
    """D of both stages: two maxout layers of 1200 units."""
    return networks.maxout_discriminator(
        data.shape, units=1200, max_norm=networks.MAX_NORM, seed=settings.seed + 1
    )


def build(settings: Settings, data: TrainingData) -> Built:
    """Networks with bounded norms everywhere, a sparse output layer in G."""
    generator = networks.mlp_generator(
        settings.latent_dim,
        data.shape,
        hidden=[(8000, "relu"), (8000, "sigmoid")],
        output_activation=output_activation(settings),
        hidden_bias={"sigmoid": -2.0},
        max_norm=networks.MAX_NORM,
        seed=settings.seed,
    )
    networks.set_sparse_kernel(generator.get_layer("output"), 100, seed=settings.seed)
    start_at_mean(generator, settings, data)
    discriminator = make_discriminator(settings, data)
    return model(settings, data, generator, discriminator)
