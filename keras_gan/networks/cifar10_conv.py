"""The paper's convolutional networks for CIFAR-10."""

from __future__ import annotations

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.core import arguments
from keras_gan.layers import channels_last
from keras_gan.networks.initialization import uniform_initializers
from keras_gan.networks.maxout import add_maxout_layers


def cifar10_conv_generator(
    latent_dim: int = 100, *, output_irange: float = 0.05, seed: int = 0
) -> keras.Model:
    """8000 ReLUs, 8000 sigmoids as 10x10x80 maps, a transposed convolution and an untied bias.

    Args:
        latent_dim: Length of `z`.
        output_irange: Half width of the transposed convolution's initial weights.
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, latent_dim]` to float32 `[n, 32, 32, 3]`, linear.
    """
    latent_dim = arguments.whole("latent_dim", latent_dim)
    uniform = uniform_initializers(seed)
    return keras.Sequential(
        [
            keras.Input((latent_dim,), name="latents"),
            kl.Dense(8000, "relu", kernel_initializer=uniform(0.05), name="hidden_0"),
            kl.Dense(8000, "sigmoid", kernel_initializer=uniform(0.05), name="hidden_1"),
            kl.Reshape((10, 10, 80), name="maps"),
            channels_last.Conv2DTranspose(
                3,
                5,
                strides=3,
                use_bias=False,
                kernel_initializer=uniform(output_irange),
                dtype="float32",
                name="output",
            ),
            layers.UntiedBias(dtype="float32", name="images"),
        ],
        name="generator",
    )


def cifar10_conv_discriminator(*, input_noise: float = 0.0, seed: int = 0) -> keras.Model:
    """Three maxout convolutions with overlapping pooling, 500 maxout units, dropout everywhere.

    Feature maps: 32x32x3, 33x33 pooled to 16x16x32, 15x15 to 7x7x32, 9x9 to 5x5x192 (4800
    features).

    Args:
        input_noise: Standard deviation, in training, of normal noise on the network's input.
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, 32, 32, 3]` to float32 logits `[n, 1]`.
    """
    uniform = uniform_initializers(seed)
    model = keras.Sequential([keras.Input((32, 32, 3), name="images")], name="discriminator")
    if input_noise:
        model.add(layers.GaussianNoise(input_noise, name="noise"))
    convolutions = [(32, 8, 4, 4), (32, 8, 3, 4), (192, 5, 3, 2)]  # channels, kernel, padding, pool
    for index, (channels, kernel, padding, pool) in enumerate(convolutions):
        model.add(layers.Dropout(0.5 if index else 0.2, name=f"drop_conv_{index}"))
        model.add(channels_last.ZeroPadding2D(padding, name=f"pad_{index}"))
        model.add(
            channels_last.Conv2D(
                channels * 2, kernel, kernel_initializer=uniform(0.005), name=f"conv_{index}"
            )
        )
        model.add(layers.Maxout(2, name=f"maxout_conv_{index}"))
        model.add(layers.PartialMaxPooling2D(pool, 2, name=f"pool_{index}"))
    model.add(channels_last.Flatten(name="flat"))
    add_maxout_layers(model, [500], 5, uniform, irange=0.005, dropout=(0.5, 0.5))
    return model
