"""The residual networks of SNGAN for 32x32 images."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.core import arguments
from keras_gan.core.randomness import derived_seeds
from keras_gan.networks import resnet32
from keras_gan.networks.conditional import class_input


def sngan_generator(
    shape: Sequence[int] = (32, 32, 3),
    latent_dim: int = 128,
    *,
    width: int = 256,
    classes: int | None = None,
    seed: int = 0,
) -> keras.Model:
    """A dense layer to 4x4 maps, three residual blocks that double the size, a convolution.

    SNGAN's generator for CIFAR-10 (Miyato et al. 2018, arXiv:1802.05957, table 4), with nearest
    neighbor upsampling. Weights are uniform with Glorot's variance, twice that in the 3x3
    convolutions of blocks. With 3 channels and without classes it has 4,276,739 trainable weights.

    Args:
        shape: Shape of an image, `(32, 32, c)`.
        latent_dim: Length of `z`, which is normal in the paper.
        width: Channels of all maps.
        classes: Number of classes; the blocks' batch normalization then depends on the class
            (`layers.ConditionalBatchNormalization`).
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, latent_dim]`, and with classes "condition", int64 `[n]`, to float32
        `[n, *shape]` in [-1, 1].

    Raises:
        InputError: Another size.
    """
    shape = resnet32.check_shape(shape)
    latent_dim, width = arguments.wholes(latent_dim=latent_dim, width=width)
    kernels = _kernels(seed, spectral_norm=False)
    inputs, norm = [keras.Input((latent_dim,), name="latents")], resnet32.batch_norm
    if classes is not None:
        condition, vector = class_input(classes)
        inputs.append(condition)

        def norm(x, name):
            return layers.ConditionalBatchNormalization(name=name)(x, vector)

    x = kernels.dense(inputs[0], 4 * 4 * width, "hidden")
    x = kl.Reshape((4, 4, width), name="maps")(x)
    for index in range(3):
        x = kernels.up_block(x, width, f"block_{index}", norm)
    return resnet32.generator(kernels, inputs, x, shape[2])


def sngan_discriminator(
    shape: Sequence[int] = (32, 32, 3),
    *,
    width: int = 128,
    classes: int | None = None,
    seed: int = 0,
) -> keras.Model:
    """Four residual blocks, of which the first two halve the size, a sum over positions, linear.

    SNGAN's discriminator for CIFAR-10 (Miyato et al. 2018, arXiv:1802.05957, table 4); every kernel
    is spectrally normalized. Weights start as in `sngan_generator`. With 3 channels and without
    classes it has 1,053,825 trainable weights.

    Args:
        shape: Shape of an image, `(32, 32, c)`.
        width: Channels of all maps.
        classes: Number of classes; the logit then has a projection (Miyato and Koyama 2018,
            arXiv:1802.05637; `layers.Projection`).
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, *shape]`, and with classes "condition", int64 `[n]`, to float32
        logits `[n, 1]`.

    Raises:
        InputError: Another size.
    """
    return resnet32.discriminator(_kernels(seed, spectral_norm=True), shape, width, classes)


def _kernels(seed: int, spectral_norm: bool) -> resnet32.Kernels:
    seeds = derived_seeds(seed)

    def initializer(gain: float) -> keras.initializers.Initializer:
        return keras.initializers.VarianceScaling(gain**2, "fan_avg", "uniform", seed=next(seeds))

    return resnet32.Kernels(initializer, spectral_norm)
