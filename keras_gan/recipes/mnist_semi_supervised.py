"""MNIST, classified by D from few labels (section 7, point 4).

    python -m keras_gan.train --recipe mnist_semi_supervised --labels 100

D names ten classes and "generated" and sees few labels; G matches D's features (Salimans et al.
2016). `python -m keras_gan.evaluate RUN` reports D's test error.
"""

import dataclasses
import math

import keras
import numpy as np
from keras import layers as kl

from keras_gan import networks
from keras_gan.recipes import mnist, section_7
from keras_gan.recipes.recipe import Recipe

_CLASSES = 10


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The nets of Salimans et al.: normalised softplus units against noisy rectifiers."""
    shape = examples.shape[1:]
    generator = keras.Sequential([keras.Input((recipe.latent_dim,))], name="generator")
    for index in range(2):
        generator.add(_dense(500, None, 3 * seed + index, f"hidden_{index}"))
        # Without it G does not keep up with D's features. One batch on any number of replicas:
        generator.add(kl.BatchNormalization(momentum=0.9, synchronized=True, name=f"norm_{index}"))
        generator.add(kl.Activation("softplus", name=f"softplus_{index}"))
    generator.add(_dense(math.prod(shape), "sigmoid", 3 * seed + 2, "output", dtype="float32"))
    generator.add(kl.Reshape(shape, dtype="float32", name="images"))
    discriminator = networks.noisy_discriminator(
        shape, _CLASSES, hidden=(1000, 500, 250, 250, 250), seed=seed + 1
    )
    return generator, discriminator


def _dense(units: int, activation: str | None, seed: int, name: str, **kwargs) -> kl.Dense:
    initializer = keras.initializers.HeNormal(seed=seed)
    return kl.Dense(units, activation, kernel_initializer=initializer, name=name, **kwargs)


RECIPE = dataclasses.replace(
    mnist.RECIPE,
    name="mnist_semi_supervised",
    networks=build,
    **section_7.SEMI_SUPERVISED,
    labels=100,
    epochs=100,
)
