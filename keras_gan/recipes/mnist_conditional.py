"""MNIST, one class at a time: p(x given c), section 7 of the paper.

    python -m keras_gan.train --recipe mnist_conditional

The paper's networks, which see the class besides, learning as in `mnist_tuned`. In training samples
have the classes of the data that they stand against; a sample whose class is not given has each
class as often. Published for other conditional nets: 132 +- 1.8 nats (Mirza and Osindero 2014).
"""

import dataclasses

import keras
import numpy as np

from keras_gan import networks
from keras_gan.conditions import Classes
from keras_gan.recipes import mnist_tuned
from keras_gan.recipes.recipe import Recipe

_CLASSES = 10


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The players, each with a further input for the class."""
    shape = examples.shape[1:]
    generator = networks.mlp_generator(
        recipe.latent_dim + _CLASSES,
        shape,
        hidden=[(1200, "relu"), (1200, "relu")],
        output_activation="sigmoid",
        seed=seed,
        name="painter",
    )
    networks.set_marginal_bias(generator, examples.mean(axis=0))
    discriminator = networks.maxout_discriminator(
        (examples[0].size + _CLASSES,), units=240, input_dropout=0.0, seed=seed + 1, name="judge"
    )
    return networks.on_classes(
        generator, discriminator, shape, _CLASSES, input_noise=mnist_tuned.INPUT_NOISE
    )


RECIPE = dataclasses.replace(
    mnist_tuned.RECIPE, name="mnist_conditional", networks=build, condition=Classes(_CLASSES)
)
