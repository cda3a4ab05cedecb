"""MNIST, classified by D from few labels (section 7, point 4).

    keras-gan train --recipe mnist_semi_supervised --labels 100

D names ten classes and "generated" and sees few labels; G matches D's features (Salimans et al.
2016). `keras-gan evaluate RUN` reports D's test error. The networks, the minibatches and the first
learning rate are the published ones. Ours are the falling rate, for a run of 40 epochs instead of
hundreds, and the weights: real against generated counts as much as the labels.
"""

import dataclasses
import math

import keras
from keras import layers as kl

from keras_gan import layers, networks
from keras_gan.experiment import TrainingData
from keras_gan.recipes import section_7
from keras_gan.recipes.section_7 import training_set
from keras_gan.recipes.settings import Built, model, output_activation

__all__ = ["Settings", "build", "training_set"]


@dataclasses.dataclass(frozen=True)
class Settings(section_7.SemiSupervisedSettings):
    """The published settings, for fewer epochs."""

    dataset: str = "mnist"
    batch_size: int = 200  # 100 labeled and 100 unlabeled images, and 200 samples
    generator_learning_rate: float = 3e-3
    discriminator_learning_rate: float = 3e-3
    learning_rate_divisor: float = 1.0001
    epochs: int = 40
    ema_momentum: float = 0.999
    likelihood_samples: int = 10_000


def build(settings: Settings, data: TrainingData) -> Built:
    """The nets of Salimans et al.: normalized softplus units against noisy rectifiers."""
    discriminator = networks.noisy_discriminator(
        data.shape, section_7.CLASSES, hidden=(1000, 500, 250, 250, 250), seed=settings.seed + 1
    )
    networks.normalize_on(discriminator, data.examples[:500], seed=settings.seed)
    generator = _generator(settings, data.shape)
    return model(settings, data, generator, discriminator, "semi_supervised")


def _generator(settings: Settings, shape: tuple[int, ...]) -> keras.Model:
    seed = settings.seed
    generator = keras.Sequential([keras.Input((settings.latent_dim,))], name="generator")
    for index in range(2):
        initializer = keras.initializers.GlorotUniform(seed=3 * seed + index)
        # The next layer has what a bias and a scale would do.
        generator.add(
            kl.Dense(500, use_bias=False, kernel_initializer=initializer, name=f"hidden_{index}")
        )
        # Without it G does not keep up with D's features. One batch on any number of replicas:
        generator.add(
            kl.BatchNormalization(
                momentum=0.9, scale=False, synchronized=True, name=f"norm_{index}"
            )
        )
        generator.add(kl.Activation("softplus", name=f"softplus_{index}"))
    generator.add(
        layers.WeightNormDense(
            math.prod(shape),
            output_activation(settings),
            kernel_initializer=keras.initializers.GlorotUniform(seed=3 * seed + 2),
            dtype="float32",
            name="output",
        )
    )
    generator.add(kl.Reshape(shape, dtype="float32", name="images"))
    return generator
