"""Maxout discriminators."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.core import arguments
from keras_gan.layers import channels_last
from keras_gan.networks.classifying import discriminator_of_classifier
from keras_gan.networks.initialization import uniform_initializers


def maxout_discriminator(
    shape: Sequence[int],
    *,
    units: int,
    pieces: int = 5,
    depth: int = 2,
    irange: float = 0.005,
    max_norm: float | None = None,
    input_dropout: float = 0.2,
    hidden_dropout: float = 0.5,
    input_noise: float = 0.0,
    classes: int | None = None,
    seed: int = 0,
    name: str = "discriminator",
) -> keras.Model:
    """A maxout network with dropout on the input of every layer.

    Args:
        shape: Shape of one example, any rank.
        units: Maxout units of each hidden layer.
        pieces: Linear pieces of each unit.
        depth: Number of hidden layers.
        irange: Half width of the initial weights' distribution.
        max_norm: Bound on the norm of each piece's incoming weights, or None.
        input_dropout: Dropout rate at the network's input.
        hidden_dropout: Dropout rate at the input of every further layer, the output layer included.
        input_noise: Standard deviation, in training, of normal noise on real and generated
            examples; an option of the released code.
        classes: Number K of classes, if the network also classifies (`losses.SemiSupervised`).
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, *shape]` to float32 logits `[n, 1]`. With classes, to a dict of
        "classes", unnormalized log-probabilities float32 `[n, K]`; "logits", `logsumexp(classes)`
        `[n]`; and "features", the last hidden layer, float `[n, units]`.
    """
    shape = arguments.shape("shape", shape)
    units, pieces = arguments.wholes(units=units, pieces=pieces)
    depth = arguments.whole("depth", depth, least=0 if classes is None else 1)
    if classes is not None:
        classes = arguments.whole("classes", classes, least=2)
    model = keras.Sequential([keras.Input(shape, name="images")], name=name)
    if len(shape) != 1:
        model.add(channels_last.Flatten(name="flat"))
    if input_noise:
        model.add(layers.GaussianNoise(input_noise, name="noise"))
    add_maxout_layers(
        model,
        [units] * depth,
        pieces,
        uniform_initializers(seed),
        irange=irange,
        dropout=(input_dropout, hidden_dropout),
        max_norm=max_norm,
        classes=classes,
    )
    return discriminator_of_classifier(model, f"maxout_{depth - 1}") if classes else model


def add_maxout_layers(
    model: keras.Sequential,
    units: Sequence[int],
    pieces: int,
    uniform: Callable[[float], keras.initializers.Initializer],
    *,
    irange: float,
    dropout: tuple[float, float],
    max_norm: float | None = None,
    classes: int | None = None,
) -> None:
    """Adds maxout layers of so many units and the output layer, each with dropout on its input.

    `dropout` holds the rates of the first layer and of the others; see `maxout_discriminator`.
    """
    constraint = keras.constraints.MaxNorm(max_norm) if max_norm else None

    def dense(units: int, name: str, **kwargs) -> keras.layers.Layer:
        return kl.Dense(
            units,
            kernel_initializer=uniform(irange),
            kernel_constraint=constraint,
            name=name,
            **kwargs,
        )

    for index, width in enumerate(units):
        model.add(layers.Dropout(dropout[min(index, 1)], name=f"drop_{index}"))
        model.add(dense(width * pieces, f"pieces_{index}"))
        model.add(layers.Maxout(pieces, name=f"maxout_{index}"))
    model.add(layers.Dropout(dropout[1], name="drop_output"))
    model.add(dense(classes or 1, "classes" if classes else "logit", dtype="float32"))
