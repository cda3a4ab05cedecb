"""A rectifier discriminator with noise on every layer."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.networks.maxout import _naming_classes


def noisy_discriminator(
    shape: Sequence[int],
    classes: int,
    *,
    hidden: Sequence[int],
    input_noise: float = 0.3,
    hidden_noise: float = 0.5,
    seed: int = 0,
    name: str = "discriminator",
) -> keras.Model:
    """Rectifiers with normal noise on the input of every layer, which also names classes.

    The network of Salimans et al. 2016 for MNIST: weights are normalised, and only those of the
    classes learn their length. Its lengths start at 1; see `normalize_on`.

    Args:
        shape: Shape of one example, any rank.
        classes: Number K of classes.
        hidden: Units of each hidden layer, lowest first.
        input_noise: Standard deviation of the noise on the network's input, while it learns.
        hidden_noise: The same on the input of every further layer, the output layer included.
        seed: Seed of the initial weights, whose directions are normal.
        name: Name of the network.

    Returns:
        As `maxout_discriminator` with classes; "features" is `[n, hidden[-1]]`.
    """
    seeds = itertools.count(seed * (len(hidden) + 1))

    def dense(units: int, activation: str | None, name: str, **kwargs) -> keras.layers.Layer:
        initializer = keras.initializers.RandomNormal(stddev=0.1, seed=next(seeds))
        return layers.WeightNormDense(
            units, activation, kernel_initializer=initializer, name=name, **kwargs
        )

    model = keras.Sequential([keras.Input(tuple(shape), name="images")], name=name)
    model.add(kl.Flatten(name="flat"))
    for index, units in enumerate(hidden):
        noise = hidden_noise if index else input_noise
        model.add(layers.GaussianNoise(noise, name=f"noise_{index}"))
        model.add(dense(units, "relu", f"hidden_{index}", train_scale=False))
    model.add(layers.GaussianNoise(hidden_noise, name="noise_output"))
    model.add(dense(classes, None, "classes", dtype="float32"))
    return _naming_classes(model, f"hidden_{len(hidden) - 1}")
