"""MNIST, classified by D from few labels (section 7, point 4).

    python -m keras_gan.train --recipe mnist_semi_supervised --labels 100

D names ten classes and "generated" and sees few labels; G matches D's features (Salimans et al.
2016). `python -m keras_gan.evaluate RUN` reports D's test error. The nets, the minibatches and the
first learning rate are the published ones; that the rate falls, for a run of 40 epochs and not
hundreds, and that the game counts as much as the labels, is ours.
"""

import dataclasses
import math

import keras
import numpy as np
from keras import layers as kl

from keras_gan import layers, networks
from keras_gan.experiment.recipe import Recipe
from keras_gan.recipes import mnist, section_7

_CLASSES = 10


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The nets of Salimans et al.: normalised softplus units against noisy rectifiers."""
    shape = examples.shape[1:]
    generator = keras.Sequential([keras.Input((recipe.latent_dim,))], name="generator")
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
            "sigmoid",
            kernel_initializer=keras.initializers.GlorotUniform(seed=3 * seed + 2),
            dtype="float32",
            name="output",
        )
    )
    generator.add(kl.Reshape(shape, dtype="float32", name="images"))
    discriminator = networks.noisy_discriminator(
        shape, _CLASSES, hidden=(1000, 500, 250, 250, 250), seed=seed + 1
    )
    networks.normalize_on(discriminator, examples[:500], seed=seed)
    return generator, discriminator


RECIPE = dataclasses.replace(
    mnist.RECIPE,
    name="mnist_semi_supervised",
    networks=build,
    **section_7.SEMI_SUPERVISED
    | {
        "generator_learning_rate": 3e-3,
        "discriminator_learning_rate": 3e-3,
        "learning_rate_divisor": 1.0001,
    },
    batch_size=200,  # 100 labelled and 100 unlabelled rows against 200 samples
    labels=100,
    epochs=40,
    likelihood_every=10,
)
