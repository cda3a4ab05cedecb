"""Eight Gaussians on a ring: does the generator find every mode?

Standard deviation 0.02 on a ring of radius 2, as in the literature on mode collapse (for instance
Metz et al. 2017, arXiv:1611.02163). Both kinds of D's inputs get noise, an option of the paper's
released code: the modes, 77 standard deviations apart, then overlap as D sees them, and G is drawn
to all of them.

    keras-gan train --recipe ring
"""

import dataclasses

from keras_gan import networks
from keras_gan.data import DataSet, Split
from keras_gan.evaluation.gaussians import GaussianMixture
from keras_gan.experiment import TrainingData
from keras_gan.recipes.settings import AdamSettings, Built, LatentSettings, LossSettings, model

MIXTURE = GaussianMixture.ring()


@dataclasses.dataclass(frozen=True)
class Settings(LossSettings, AdamSettings, LatentSettings):
    """Settings for points in the plane."""

    prior: str = "normal"
    latent_dim: int = 8
    batch_size: int = 200
    discriminator_loss_weight: float = 0.5
    learning_rate_divisor: float = 1.0003
    ema_momentum: float = 0.99
    epochs: int = 30


def draw(name: str, mixture: GaussianMixture) -> DataSet:
    """Points from a mixture: 50,000 to learn from, 10,000 each to validate and test."""
    return DataSet(
        name,
        Split(mixture.sample(50_000, 0)),
        Split(mixture.sample(10_000, 1)),
        Split(mixture.sample(10_000, 2)),
        provenance=f"Drawn from a mixture of {mixture.modes} Gaussians; "
        "seeds: train 0, validation 1, test 2.",
    )


def load_data(settings: Settings) -> DataSet:
    """Points on the ring."""
    return draw("ring", MIXTURE)


def build(settings: Settings, data: TrainingData, *, input_noise: float = 0.1) -> Built:
    """Two layers each, no dropout, which would drop whole coordinates."""
    generator = networks.mlp_generator(
        settings.latent_dim,
        data.shape,
        hidden=[(128, "relu"), (128, "relu")],
        output_activation="linear",
        irange=0.2,
        seed=settings.seed,
    )
    discriminator = networks.maxout_discriminator(
        data.shape,
        units=64,
        pieces=3,
        irange=0.2,
        input_dropout=0.0,
        hidden_dropout=0.0,
        input_noise=input_noise,
        seed=settings.seed + 1,
    )
    return model(settings, data, generator, discriminator)
