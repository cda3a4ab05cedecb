"""MNIST, classified by D from few labels (section 7, point 4).

    python -m keras_gan.train --recipe mnist_semi_supervised --labels 100

D names ten classes and "generated" and sees few labels; G matches D's features (Salimans et al.
2016). `python -m keras_gan.evaluate RUN` reports D's test error.
"""

import dataclasses

import keras
import numpy as np

from keras_gan import networks
from keras_gan.recipes import mnist
from keras_gan.recipes.recipe import Recipe

_CLASSES = 10


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The generator of `mnist`; a maxout network that names classes, with noise on its inputs."""
    generator, _ = mnist.build(recipe, examples, seed)
    discriminator = networks.maxout_discriminator(
        examples.shape[1:],
        units=240,
        irange=0.02,
        input_dropout=0.0,
        input_noise=0.3,
        classes=_CLASSES,
        seed=seed + 1,
    )
    return generator, discriminator


RECIPE = dataclasses.replace(
    mnist.RECIPE,
    name="mnist_semi_supervised",
    networks=build,
    loss="semi_supervised",
    labels=100,
    labelled_share=0.2,
    discriminator_loss_weight=1.0,
    update="alternating",
    optimizer="adam",
    generator_learning_rate=3e-4,
    discriminator_learning_rate=3e-4,
    learning_rate_divisor=1.0,
    epochs=100,
)
