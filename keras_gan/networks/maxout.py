"""Maxout discriminators."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.networks.initialization import _Uniform


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
    classes: int = 0,
    seed: int = 0,
    name: str = "discriminator",
) -> keras.Model:
    """A maxout network with dropout on the input of every layer.

    Args:
        shape: Shape of one example, any rank.
        units: Maxout units of each hidden layer.
        pieces: Linear pieces of each unit.
        depth: Number of hidden layers.
        irange: Half width of the initial weights.
        max_norm: Bound on the norm of each piece's incoming weights, or None.
        input_dropout: Rate at the network's input.
        hidden_dropout: Rate at the input of every further layer, the output layer included.
        input_noise: Standard deviation of normal noise at the network's input, on data and samples
            alike, while it learns; an option of the released code.
        classes: Number K of classes that it also names, as `losses.SemiSupervised` wants it.
        seed: Seed of the initial weights.
        name: Name of the network.

    Returns:
        A model from float `[n, *shape]` to float32 logits `[n, 1]`; with classes to a dict of
        "classes", the scores float32 `[n, K]`, "logits", `logsumexp(classes)` `[n]`, and
        "features", the last hidden layer float `[n, units]`.
    """
    uniform = _Uniform(seed)
    constraint = keras.constraints.MaxNorm(max_norm) if max_norm else None
    model = keras.Sequential([keras.Input(tuple(shape), name="images")], name=name)
    if len(shape) != 1:
        model.add(kl.Flatten(name="flat"))
    if input_noise:
        model.add(layers.GaussianNoise(input_noise, name="noise"))
    dropout = input_dropout, hidden_dropout
    outputs = classes or 1
    _add_maxout_head(model, uniform, [units] * depth, pieces, irange, constraint, *dropout, outputs)
    return _naming_classes(model, f"maxout_{depth - 1}") if classes else model


def _naming_classes(model: keras.Sequential, features: str) -> keras.Model:
    """A discriminator from a classifier and the name of its last hidden layer."""
    says = {
        "logits": layers.LogSumExp(dtype="float32", name="logit")(model.outputs[0]),
        "features": model.get_layer(features).output,
        "classes": model.outputs[0],
    }
    return keras.Model(model.inputs[0], says, name=model.name)


def _add_maxout_head(
    model, uniform, units, pieces, irange, constraint, first_dropout, hidden_dropout, outputs=1
) -> None:
    for index, width in enumerate(units):
        model.add(layers.Dropout(hidden_dropout if index else first_dropout, name=f"drop_{index}"))
        model.add(
            kl.Dense(
                width * pieces,
                kernel_initializer=uniform(irange),
                kernel_constraint=constraint,
                name=f"pieces_{index}",
            )
        )
        model.add(layers.Maxout(pieces, name=f"maxout_{index}"))
    model.add(layers.Dropout(hidden_dropout, name="drop_output"))
    model.add(
        kl.Dense(
            outputs,
            kernel_initializer=uniform(irange),
            kernel_constraint=constraint,
            dtype="float32",
            name="logit" if outputs == 1 else "classes",
        )
    )
