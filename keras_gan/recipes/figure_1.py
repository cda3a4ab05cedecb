"""One-dimensional data for Figure 1: two overlapping Gaussians of unequal width and share.

    python -m keras_gan.train --recipe figure_1
    python -m keras_gan.figure_1

G is smooth (softplus) on a normal prior, so that `p_g` has a smooth density everywhere.
"""

import functools

import keras
import numpy as np

from keras_gan import networks
from keras_gan.evaluation.gaussians import GaussianMixture
from keras_gan.recipes import ring
from keras_gan.recipes.recipe import Recipe

MIXTURE = GaussianMixture([-1.2, 1.2], sd=[0.7, 0.5], weights=[0.6, 0.4])


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The players: about 1,000 and 6,000 parameters."""
    generator = networks.mlp_generator(
        recipe.latent_dim,
        examples.shape[1:],
        hidden=[(32, "softplus"), (32, "softplus")],
        output_activation="linear",
        irange=0.5,
        seed=seed,
    )
    discriminator = networks.maxout_discriminator(
        examples.shape[1:],
        units=32,
        pieces=3,
        irange=0.3,
        input_dropout=0.0,
        hidden_dropout=0.0,
        seed=seed + 1,
    )
    return generator, discriminator


RECIPE = Recipe(
    name="figure_1",
    networks=build,
    source=functools.partial(ring.draw, "figure_1", MIXTURE),
    dataset="figure_1",
    preprocessing="identity",
    prior="normal",
    latent_dim=1,
    update="alternating",
    batch_size=1000,
    optimizer="adam",
    generator_learning_rate=5e-4,
    discriminator_learning_rate=4e-3,
    learning_rate_divisor=1.0025,
    momentum=0.5,
    epochs=50,
    likelihood_every=0,
)
