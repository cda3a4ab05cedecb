"""Discriminators that also classify, for semi-supervised learning."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import keras

from keras_gan import layers
from keras_gan.core import arguments
from keras_gan.core.errors import InputError
from keras_gan.layers import channels_last


def noisy_discriminator(
    shape: Sequence[int],
    classes: int,
    *,
    hidden: Sequence[int],
    input_noise: float = 0.3,
    hidden_noise: float = 0.5,
    seed: int = 0,
) -> keras.Model:
    """A ReLU network with normal noise on the input of every layer that also classifies.

    The network of Salimans et al. 2016 for MNIST: its layers are weight-normalized, and only the
    output layer's scale is trained. Scales start at 1; see `normalize_on`.

    Args:
        shape: Shape of one example, any rank.
        classes: Number K of classes.
        hidden: Units of each hidden layer, lowest first.
        input_noise: Standard deviation, in training, of the noise on the network's input.
        hidden_noise: The same on the input of every further layer, the output layer included.
        seed: Seed of the initial weights, whose directions are normal.

    Returns:
        As `maxout_discriminator` with classes; "features" is `[n, hidden[-1]]`.
    """
    shape, hidden = arguments.shape("shape", shape), arguments.shape("hidden", hidden)
    if not hidden:
        raise InputError("`hidden` must hold the units of at least one layer. Received: ()")
    classes = arguments.whole("classes", classes, least=2)
    seeds = itertools.count(arguments.integer("seed", seed) * (len(hidden) + 1))

    def dense(units: int, activation: str | None, name: str, **kwargs) -> keras.layers.Layer:
        initializer = keras.initializers.RandomNormal(stddev=0.1, seed=next(seeds))
        return layers.WeightNormDense(
            units, activation, kernel_initializer=initializer, name=name, **kwargs
        )

    model = keras.Sequential([keras.Input(shape, name="images")], name="discriminator")
    model.add(channels_last.Flatten(name="flat"))
    for index, units in enumerate(hidden):
        noise = hidden_noise if index else input_noise
        model.add(layers.GaussianNoise(noise, name=f"noise_{index}"))
        model.add(dense(units, "relu", f"hidden_{index}", train_scale=False))
    model.add(layers.GaussianNoise(hidden_noise, name="noise_output"))
    model.add(dense(classes, None, "classes", dtype="float32"))
    return discriminator_of_classifier(model, f"hidden_{len(hidden) - 1}")


def discriminator_of_classifier(classifier: keras.Sequential, features: str) -> keras.Model:
    """Gives a classifier, and the layer named `features`, the outputs of `maxout_discriminator`."""
    classes = classifier.outputs[0]
    outputs = {
        "logits": layers.LogSumExp(dtype="float32", name="logit")(classes),
        "features": classifier.get_layer(features).output,
        "classes": classes,
    }
    return keras.Model(classifier.inputs[0], outputs, name=classifier.name)
