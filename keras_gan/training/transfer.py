"""A model that starts from the weights of another one, where their layers match."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import re
from collections.abc import Iterator

import keras
import numpy as np

from keras_gan.core.errors import InputError
from keras_gan.training.gan import GAN


@dataclasses.dataclass(frozen=True)
class Taken:
    """The layers that a network took from another one.

    Attributes:
        layers: Names of the layers whose weights it took.
        weights: Numbers in them.
        total: Numbers in all its weights.
    """

    layers: tuple[str, ...]
    weights: int
    total: int


def copy_matching(source: keras.Model, target: keras.Model) -> Taken:
    """Copies the weights of all layers that match: of one name, with weights of the same shapes.

    Names that Keras gave, such as `dense_3`, are compared by the order of the layers of their kind.

    Args:
        source: The network with the weights.
        target: The network that takes them; its other layers stay as they are.
    """
    there, taken = dict(_layers(source)), []
    for name, layer in _layers(target):
        other = there.get(name)
        if other is not None and _shapes(other) == _shapes(layer):
            for weight, value in zip(layer.weights, other.weights, strict=True):
                weight.assign(np.asarray(value))
            taken.append(layer)
    numbers = sum(layer.count_params() for layer in taken)
    return Taken(tuple(layer.name for layer in taken), numbers, target.count_params())


def start_from(gan: GAN, source: GAN, freeze: int = 0) -> str:
    """Starts G, D and the EMA of G from another model; call it before `compile`.

    Args:
        gan: The model that takes the weights.
        source: The model with the weights. Without an EMA of its own, the new one starts from G.
        freeze: Number of D's first layers, those next to the images, of the ones with weights, that
            are not trained: "Freeze the discriminator" (Mo et al. 2020, arXiv:2002.10964).

    Returns:
        What was taken, in a sentence.

    Raises:
        InputError: No layer matches; one that is to be frozen does not; or all would be frozen.
    """
    of_g = copy_matching(source.generator, gan.generator)
    of_d = copy_matching(source.discriminator, gan.discriminator)
    if not (of_g.layers or of_d.layers):
        raise InputError(
            "no layer of G or D has the name and the shapes of one of the model to start from "
            "(--init): use the same networks, width and size of the pictures"
        )
    if gan.ema_generator is not None:
        averaged = source.ema_generator
        copy_matching(source.generator if averaged is None else averaged, gan.ema_generator)
    layers = [layer for _, layer in _layers(gan.discriminator)]
    first = layers[:freeze]
    new = [layer.name for layer in first if layer.name not in of_d.layers]
    if new or freeze >= len(layers):
        reason = f"{new[0]} has new weights" if new else "the others are to learn"
        names = ", ".join(layer.name for layer in layers)
        raise InputError(
            f"fewer of D's layers with weights can be frozen (--freeze), because {reason}. "
            f"Received: {freeze} of {names}"
        )
    for layer in first:
        layer.trainable = False
    words = [
        f"{name} takes {taken.weights:,} of {taken.total:,} weights"
        for name, taken in (("G", of_g), ("D", of_d))
    ]
    frozen = ", ".join(layer.name for layer in first)
    return "; ".join([*words, *([f"D's layers {frozen} are not trained"] if first else [])])


def fingerprint(gan: GAN) -> str:
    """16 hexadecimal digits of the weights that another model can take (BLAKE2b)."""
    digest = hashlib.blake2b(digest_size=8)
    for network in (gan.generator, gan.discriminator, gan.ema_generator):
        for name, layer in _layers(network) if network is not None else ():
            for weight in layer.weights:
                value = np.ascontiguousarray(weight)
                digest.update(f"{name}{value.dtype.str}{value.shape};".encode())
                digest.update(value.tobytes())  # bfloat16 has no buffer
    return digest.hexdigest()


def _layers(network: keras.Model) -> Iterator[tuple[str, keras.Layer]]:
    """The layers that have weights, in order, those of networks inside of it one by one."""
    counts: collections.Counter[str] = collections.Counter()
    for layer in network.layers:
        kind = re.sub(r"_\d+$", "", layer.name)
        name = layer.name
        if kind.replace("_", "") == type(layer).__name__.lower():
            name = f"{kind} {counts[kind]}"
            counts[kind] += 1
        if isinstance(layer, keras.Model):
            yield from ((f"{name}/{inner}", part) for inner, part in _layers(layer))
        elif layer.weights:
            yield name, layer


def _shapes(layer: keras.Layer) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]
