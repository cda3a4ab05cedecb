"""Points without a recipe: networks by rule from the shape of an example.

The settings are those of the paper's MNIST recipe. Pictures are taken, too, with --recipe own_data.

    keras-gan train --dataset points.npy

`keras_gan.networks.for_shape` states the rule.
"""

import dataclasses

from keras_gan import networks
from keras_gan.data import PictureOptions
from keras_gan.experiment import TrainingData
from keras_gan.recipes.settings import Built, PaperSettings, model


@dataclasses.dataclass(frozen=True)
class Settings(PictureOptions, PaperSettings):
    """The paper's settings for MNIST."""

    dataset: str = "mnist"
    ema_momentum: float = 0.999
    likelihood_every: int = 5


def build(settings: Settings, data: TrainingData) -> Built:
    """Networks by rule; images in [0, 1] also get G's output bias from the pixel means."""
    bounded = len(data.shape) == 3 and settings.preprocessing == "unit_range"
    generator, discriminator = networks.for_shape(
        data.shape, settings.latent_dim, bounded=bounded, seed=settings.seed
    )
    if bounded:
        networks.set_marginal_bias(generator, data.examples.mean(axis=0))
    return model(settings, data, generator, discriminator)
