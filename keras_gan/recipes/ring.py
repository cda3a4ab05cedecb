"""Eight Gaussians on a ring: does the generator find every mode?

Standard deviation 0.02 on a ring of radius 2, as in the literature on mode collapse (for instance
Metz et al. 2017, arXiv:1611.02163). Both kinds of D's inputs get noise, an option of the paper's
released code: the modes, a hundred standard deviations apart, then overlap as D sees them, and G is
drawn to all of them.

    python -m keras_gan.train --recipe ring
"""

import functools

import keras
import numpy as np

from keras_gan import networks
from keras_gan.data import DataSet, Split
from keras_gan.evaluation.gaussians import GaussianMixture
from keras_gan.experiment.recipe import Recipe

MIXTURE = GaussianMixture.ring()


def draw(name: str, mixture: GaussianMixture, train: int = 50_000) -> DataSet:
    """Points from a mixture: three splits, each with a seed of its own.

    Args:
        name: Name of the set.
        mixture: Where they come from.
        train: Points to learn from; validation and test have 10,000 each.
    """
    train_set, validation, test = (
        Split(mixture.sample(n, seed)) for seed, n in enumerate((train, 10_000, 10_000))
    )
    return DataSet(
        name,
        train_set,
        validation,
        test,
        provenance=f"Drawn from a mixture of {mixture.modes} Gaussians; "
        "seeds: train 0, validation 1, test 2.",
    )


def build(
    recipe: Recipe, examples: np.ndarray, seed: int, *, noise: float = 0.1
) -> tuple[keras.Model, keras.Model]:
    """The networks: two layers each, no dropout, which would drop whole coordinates.

    Args:
        recipe: The recipe.
        examples: The training data `[n, 2]`.
        seed: Seed of the weights.
        noise: Standard deviation of the noise on D's inputs.
    """
    generator = networks.mlp_generator(
        recipe.latent_dim,
        examples.shape[1:],
        hidden=[(128, "relu"), (128, "relu")],
        output_activation="linear",
        irange=0.2,
        seed=seed,
    )
    discriminator = networks.maxout_discriminator(
        examples.shape[1:],
        units=64,
        pieces=3,
        irange=0.2,
        input_dropout=0.0,
        hidden_dropout=0.0,
        input_noise=noise,
        seed=seed + 1,
    )
    return generator, discriminator


RECIPE = Recipe(
    name="ring",
    networks=build,
    source=functools.partial(draw, "ring", MIXTURE),
    dataset="ring",
    preprocessing="identity",
    prior="normal",
    latent_dim=8,
    update="alternating",
    batch_size=200,
    optimizer="adam",
    generator_learning_rate=1e-3,
    discriminator_learning_rate=1e-3,
    learning_rate_divisor=1.0003,
    momentum=0.5,
    ema=0.99,
    epochs=30,
    likelihood_every=0,
)
