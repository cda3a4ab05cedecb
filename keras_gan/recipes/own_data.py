"""Data without a recipe: networks by rule from the shape of an example.

The settings are those of the paper's MNIST recipe.

    python -m keras_gan.train --dataset fashion_mnist
    python -m keras_gan.train --dataset path/to/images
    python -m keras_gan.train --dataset points.npy

`keras_gan.networks.for_shape` states the rule.
"""

import dataclasses

import keras
import numpy as np

from keras_gan import networks
from keras_gan.experiment.recipe import Recipe
from keras_gan.recipes import mnist


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The networks by rule; images in [0, 1] also get G's output bias from the pixel means."""
    bounded = recipe.preprocessing == "unit_range"
    generator, discriminator = networks.for_shape(
        examples.shape[1:], recipe.latent_dim, bounded=bounded, seed=seed
    )
    if bounded:
        networks.set_marginal_bias(generator, examples.mean(axis=0))
    return generator, discriminator


RECIPE = dataclasses.replace(
    mnist.RECIPE, name="own_data", networks=build, epochs=100, likelihood_samples=1000
)
