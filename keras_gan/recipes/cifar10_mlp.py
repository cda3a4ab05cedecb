"""CIFAR-10, fully connected, as in the paper (Figure 2c) and its released code.

    python -m keras_gan.train --recipe cifar10_mlp

Global contrast normalisation to norm 55; linear output with initial weights in [-0.5, 0.5], which
make a beginning thirteen times as strong as the data: with seed 0 it is overcome in three epochs in
float32, and diverges with `--precision mixed_bfloat16` (docs/evaluation.md).
"""

import keras
import numpy as np

from keras_gan import networks
from keras_gan.experiment.recipe import Recipe


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The networks: about 89 and 38 million parameters."""
    generator = networks.mlp_generator(
        recipe.latent_dim,
        examples.shape[1:],
        hidden=[(8000, "relu"), (8000, "sigmoid")],
        output_activation="linear",
        output_irange=0.5,
        seed=seed,
    )
    return generator, networks.maxout_discriminator(examples.shape[1:], units=1600, seed=seed + 1)


RECIPE = Recipe(
    name="cifar10_mlp",
    networks=build,
    dataset="cifar10",
    preprocessing="global_contrast",
    prior="normal",
    generator_learning_rate=0.025,
    discriminator_learning_rate=0.025,
    epochs=300,
    likelihood_every=0,
)
