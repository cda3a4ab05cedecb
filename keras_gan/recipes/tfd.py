"""Toronto Face Database, first stage, as in the paper's released code.

    python -m keras_gan.train --recipe tfd

The second stage (`tfd_stage2`) builds on the run directory that this one leaves.
The data are given out by their owners on request; the message of the command says where to put the
file.
"""

import keras
import numpy as np

from keras_gan import networks
from keras_gan.experiment.recipe import Recipe


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The networks: norms bounded everywhere, a sparse output layer in G."""
    generator = networks.mlp_generator(
        recipe.latent_dim,
        examples.shape[1:],
        hidden=[(8000, "relu"), (8000, "sigmoid")],
        output_activation="sigmoid",
        hidden_bias={"sigmoid": -2.0},
        max_norm=networks.MAX_NORM,
        seed=seed,
    )
    networks.set_sparse_kernel(generator.get_layer("output"), 100, seed=seed)
    networks.set_marginal_bias(generator, examples.mean(axis=0))
    return generator, build_discriminator(examples, seed)


def build_discriminator(examples: np.ndarray, seed: int) -> keras.Model:
    """D of both stages: two maxout layers of 1200 units."""
    return networks.maxout_discriminator(
        examples.shape[1:], units=1200, max_norm=networks.MAX_NORM, seed=seed + 1
    )


RECIPE = Recipe(
    name="tfd",
    networks=build,
    dataset="tfd",
    prior="normal",
    generator_learning_rate=0.05,
    discriminator_learning_rate=0.05,
    epochs=50,
    likelihood_every=5,
)
