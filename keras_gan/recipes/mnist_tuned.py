"""MNIST with the paper's networks and settings of our own: noise for D, Adam, larger minibatches.

    keras-gan train --recipe mnist_tuned

Both kinds of D's inputs get normal noise while it learns, an option of the released code. D then
cannot tell data from samples by what lies below the noise, its gradient stays useful from the
first epoch on, and G learns the coarse part of the images before the fine one. G's fine details
change from step to step, because D cannot see them; a long average of G's weights makes them
smooth. G's learning rate is twice D's, which is faster at first (docs/extensions.md). Likelihood is
best after about 20 epochs; samples become more varied with longer training. Chosen on validation
images; docs/reproduction.md says what it reaches, next to the paper's recipe.
"""

import dataclasses

from keras_gan.experiment import TrainingData
from keras_gan.recipes import mnist
from keras_gan.recipes.settings import Built, TunedSettings, model

INPUT_NOISE = 0.3  # on the images as D sees them


@dataclasses.dataclass(frozen=True)
class Settings(TunedSettings):
    """Settings chosen on validation images."""

    dataset: str = "mnist"
    batch_size: int = 250
    discriminator_learning_rate: float = 5e-4
    ema_momentum: float = 0.9995  # over ten epochs of 200 updates
    epochs: int = 35
    likelihood_every: int = 5
    likelihood_samples: int = 10_000


def build(settings: Settings, data: TrainingData) -> Built:
    """The networks of `mnist`, D with noise at its input."""
    networks = mnist.make_networks(settings, data, input_noise=INPUT_NOISE)
    return model(settings, data, *networks)
