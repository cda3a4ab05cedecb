"""CIFAR-10, convolutional, as in the paper (Figure 2d) and its released code.

    python -m keras_gan.train --recipe cifar10_conv

Global contrast normalisation to norm 55; minibatches of 128; maxout convolutions with overlapping
pooling in D, one transposed convolution in G.

It begins slowly: with seed 0 and `--precision mixed_bfloat16` D's output leaves 1/2 in epoch 6, and
until epoch 10 G has hardly moved, nor soon will (docs/evaluation.md). The released code made
hundreds of epochs. `cifar10_conv_tuned` begins faster.
"""

import dataclasses

import keras
import numpy as np

from keras_gan import networks
from keras_gan.core.errors import InputError
from keras_gan.experiment.recipe import Recipe
from keras_gan.recipes import cifar10_mlp


def build(
    recipe: Recipe,
    examples: np.ndarray,
    seed: int,
    *,
    output_irange: float = 0.05,
    input_noise: float = 0.0,
) -> tuple[keras.Model, keras.Model]:
    """The networks, made for 32x32x3."""
    if examples.shape[1:] != (32, 32, 3):
        raise InputError(
            f"recipe {recipe.name!r} is made for images 32x32x3; the data are {examples.shape[1:]}"
        )
    return (
        networks.cifar10_conv_generator(recipe.latent_dim, output_irange=output_irange, seed=seed),
        networks.cifar10_conv_discriminator(input_noise=input_noise, seed=seed + 1),
    )


RECIPE = dataclasses.replace(
    cifar10_mlp.RECIPE,
    name="cifar10_conv",
    networks=build,
    batch_size=128,
    generator_learning_rate=0.004,
    discriminator_learning_rate=0.004,
)
