"""keras.io's "DCGAN to generate face images", at 32x32, as a recipe file to compare with.

    keras-gan train --recipe benchmarks/keras_io_dcgan.py

Its networks, optimizers and minibatch; three upsamplings from 4x4 in place of those from 8x8 to
64x64. The noise of at most 0.05 that it adds to D's labels is left out. The average of G's weights
is ours.
"""

import dataclasses

import keras
from keras import layers as kl

from keras_gan.recipes.settings import TunedSettings, model


@dataclasses.dataclass(frozen=True)
class Settings(TunedSettings):
    """Keras.io's settings."""

    dataset: str = "cifar10"
    prior: str = "normal"
    latent_dim: int = 128
    batch_size: int = 32
    generator_learning_rate: float = 1e-4
    discriminator_learning_rate: float = 1e-4
    beta_1: float = 0.9
    ema_momentum: float = 0.999
    likelihood_every: int = 0


def build(settings, data):
    """The two networks."""
    leaky = {"negative_slope": 0.2}
    strided = {"kernel_size": 4, "strides": 2, "padding": "same"}
    discriminator = keras.Sequential(
        [
            keras.Input(data.shape),
            kl.Conv2D(64, **strided),
            kl.LeakyReLU(**leaky),
            kl.Conv2D(128, **strided),
            kl.LeakyReLU(**leaky),
            kl.Conv2D(128, **strided),
            kl.LeakyReLU(**leaky),
            kl.Flatten(),
            kl.Dropout(0.2),
            kl.Dense(1),
        ]
    )
    generator = keras.Sequential(
        [
            keras.Input((settings.latent_dim,)),
            kl.Dense(4 * 4 * 128),
            kl.Reshape((4, 4, 128)),
            kl.Conv2DTranspose(128, **strided),
            kl.LeakyReLU(**leaky),
            kl.Conv2DTranspose(256, **strided),
            kl.LeakyReLU(**leaky),
            kl.Conv2DTranspose(512, **strided),
            kl.LeakyReLU(**leaky),
            kl.Conv2D(3, kernel_size=5, padding="same", activation="sigmoid"),
        ]
    )
    return model(settings, data, generator, discriminator)
