"""One-dimensional data for Figure 1: a Gaussian, as in the paper.

    python -m keras_gan.train --recipe figure_1
    python -m keras_gan.cli.figure_1

Both networks are smooth and the prior is normal, so that `p_g` and with it D* have no corners and no
edges: a uniform prior would end `p_g` where the data do not end.
"""

import functools

import keras
import numpy as np

from keras_gan import networks
from keras_gan.evaluation.gaussians import GaussianMixture
from keras_gan.experiment.recipe import Recipe
from keras_gan.recipes import ring

MIXTURE = GaussianMixture([1.0], sd=0.6)


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The networks: 1,153 and 4,353 parameters."""
    hidden = {"generator": (32, "softplus"), "discriminator": (64, "tanh")}
    generator, discriminator = (
        networks.mlp_generator(
            inputs,
            (outputs,),
            hidden=[hidden[name]] * 2,
            output_activation="linear",
            irange=0.3,
            seed=player_seed,
            name=name,
        )
        for name, inputs, outputs, player_seed in (
            ("generator", recipe.latent_dim, 1, seed),
            ("discriminator", 1, 1, seed + 1),
        )
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
    batch_size=500,
    optimizer="adam",
    generator_learning_rate=5e-4,
    discriminator_learning_rate=5e-3,
    learning_rate_divisor=1.001,
    momentum=0.5,
    epochs=40,
    likelihood_every=0,
)
