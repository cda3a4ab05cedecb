"""CIFAR-10, convolutional, as in the paper (Figure 2d) and its released code.

    keras-gan train --recipe cifar10_conv

Global contrast normalization to norm 55; minibatches of 128; maxout convolutions with overlapping
pooling in D, one transposed convolution in G.

It starts slowly: with seed 0 and `--precision mixed_bfloat16` D's output leaves 1/2 in epoch 6, and
after 10 epochs G has hardly changed (docs/measurements.md). The released code trained hundreds of
epochs. `cifar10_conv_tuned` begins faster.
"""

import dataclasses
from typing import Any

from keras_gan import networks
from keras_gan.core.errors import InputError
from keras_gan.experiment import TrainingData
from keras_gan.recipes import cifar10_mlp
from keras_gan.recipes.settings import Built, Networks, model


@dataclasses.dataclass(frozen=True)
class Settings(cifar10_mlp.Settings):
    """The released code's settings."""

    batch_size: int = 128
    generator_learning_rate: float = 0.004
    discriminator_learning_rate: float = 0.004


def make_networks(
    settings: Any, data: TrainingData, *, output_irange: float = 0.05, input_noise: float = 0.0
) -> Networks:
    """The networks, for images 32x32x3 only."""
    if data.shape != (32, 32, 3):
        raise InputError(
            f"the networks of cifar10_conv are made for images 32x32x3; the data are {data.shape}"
        )
    dim, seed = settings.latent_dim, settings.seed
    generator = networks.cifar10_conv_generator(dim, output_irange=output_irange, seed=seed)
    return generator, networks.cifar10_conv_discriminator(input_noise=input_noise, seed=seed + 1)


def build(settings: Settings, data: TrainingData) -> Built:
    """The model, and how it learns."""
    return model(settings, data, *make_networks(settings, data))
