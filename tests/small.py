"""Small players for tests: built in milliseconds, with every kind of layer that the recipes use."""

from __future__ import annotations

import keras
import numpy as np

import keras_gan
from keras_gan import networks


def players(seed=0, dropout=True, size=6, latent_dim=5):
    generator = networks.mlp_generator(
        latent_dim,
        (size,),
        hidden=[(12, "relu")],
        output_activation="sigmoid",
        irange=0.5,
        seed=seed,
    )
    discriminator = networks.maxout_discriminator(
        (size,),
        units=6,
        pieces=3,
        depth=1,
        irange=0.5,
        input_dropout=0.2 if dropout else 0.0,
        hidden_dropout=0.5 if dropout else 0.0,
        seed=seed + 1,
    )
    return generator, discriminator


def gan(seed=0, dropout=True, averaging=None, **compile_arguments):
    generator, discriminator = players(seed, dropout)
    model = keras_gan.GAN(
        generator, discriminator, keras_gan.priors.Uniform(5), seed=seed, averaging=averaging
    )
    model.compile(
        keras_gan.optimizers.MomentumSGD(0.1, 0.5),
        keras_gan.optimizers.MomentumSGD(0.1, 0.5),
        **compile_arguments,
    )
    return model


def examples(n=40, size=6, seed=0):
    return np.random.default_rng(seed).random((n, size), dtype=np.float32)


def weights(network: keras.Model) -> list[np.ndarray]:
    return [np.array(w) for w in network.get_weights()]


def largest_difference(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))
