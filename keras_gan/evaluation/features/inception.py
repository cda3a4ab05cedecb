"""Inception of December 2015, the network of FID, KID and the Inception Score.

It differs from `keras.applications.InceptionV3` in its weights and in details: an average pooling
does not count padding, and the last block has a maximum in place of an average.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError
from keras_gan.core.files import sha256
from keras_gan.evaluation.features import resizing, torch_files
from keras_gan.evaluation.features.base import PretrainedNetwork
from keras_gan.layers import channels_last

WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
SHA_256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SIZE = 299


class Inception(PretrainedNetwork):
    """The network with given weights; `features` are its last pooling, 2048 numbers.

    Args:
        tensors: The weights by their names in PyTorch.
        weights: Their SHA-256.
        clean: Resizes as clean-fid, otherwise as TensorFlow 1 and so as the first FID.
    """

    def __init__(self, tensors: dict[str, np.ndarray], weights: str, *, clean: bool = False):
        resize, words = (
            (resizing.clean, resizing.CLEAN)
            if clean
            else (resizing.tensorflow_1, resizing.TENSORFLOW_1)
        )
        super().__init__(
            "inception_2015_clean" if clean else "inception_2015",
            weights,
            words.format(SIZE),
            lambda images: (resize(images, SIZE) - 128) / 128,
            network(tensors),
        )
        self._classes = tensors["fc.weight"].T

    def probabilities(self, images: ArrayLike) -> np.ndarray:
        """Class probabilities of images, float32 `[n, 1008]`, as the Inception Score takes them."""
        return self.classify(self.features(images))

    def classify(self, features: np.ndarray) -> np.ndarray:
        """Class probabilities of pictures with these features.

        The bias of the last layer is left out, as in the first Inception Score.
        """
        return tf.nn.softmax(features @ self._classes).numpy()


def load(path: str | Path, *, clean: bool = False) -> Inception:
    """The network with the weights of the file `pt_inception-2015-12-05-6726825d.pth`.

    Raises:
        InputError: The file cannot be read, or is another one.
    """
    path = Path(path)
    try:
        found = sha256(path)
    except OSError as error:
        raise InputError(
            f"weights of Inception: {path} cannot be read: {error.strerror}"
        ) from error
    if found != SHA_256:
        raise InputError(
            f"{path} is not {WEIGHTS} (a release of mseitzer/pytorch-fid): its SHA-256 is {found}, "
            f"and not {SHA_256}"
        )
    return Inception(torch_files.read(path), found, clean=clean)


def network(tensors: dict[str, np.ndarray]) -> keras.Model:
    """From images `[n, 299, 299, 3]` in [-1, 1] to features `[n, 2048]`."""
    convolve = functools.partial(_convolve, tensors)
    block = functools.partial(_block, convolve)
    reduce = functools.partial(_block, convolve, pooling=_halving, strides=2, padding="valid")
    inputs = keras.Input((SIZE, SIZE, 3), dtype="float32", name="images")
    x = convolve(inputs, "Conv2d_1a_3x3", strides=2, padding="valid")
    x = convolve(x, "Conv2d_2a_3x3", padding="valid")
    x = convolve(x, "Conv2d_2b_3x3")
    x = _halving(x, "MaxPool_1")
    x = convolve(x, "Conv2d_3b_1x1")
    x = convolve(x, "Conv2d_4a_3x3", padding="valid")
    x = _halving(x, "MaxPool_2")
    three = ("3x3dbl_1", "3x3dbl_2", "3x3dbl_3")
    for name in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
        x = block(x, name, [["1x1"], ["5x5_1", "5x5_2"], three], pooling=_average)
    x = reduce(x, "Mixed_6a", [["3x3"], three])
    for name in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
        seven = [f"7x7_{i}" for i in range(1, 4)], [f"7x7dbl_{i}" for i in range(1, 6)]
        x = block(x, name, [["1x1"], *seven], pooling=_average)
    x = reduce(x, "Mixed_7a", [["3x3_1", "3x3_2"], [f"7x7x3_{i}" for i in range(1, 5)]])
    for name, pooling in (("Mixed_7b", _average), ("Mixed_7c", _maximum)):
        forks = ["3x3_1", "3x3_2a 3x3_2b"], ["3x3dbl_1", "3x3dbl_2", "3x3dbl_3a 3x3dbl_3b"]
        x = block(x, name, [["1x1"], *forks], pooling=pooling)
    features = channels_last.GlobalAveragePooling2D(dtype="float32", name="features")(x)
    model = keras.Model(inputs, features, name="inception_2015")
    model.trainable = False
    return model


def _block(
    convolve: Callable[..., keras.KerasTensor],
    x: keras.KerasTensor,
    name: str,
    branches: Sequence[Sequence[str]],
    *,
    pooling: Callable[[keras.KerasTensor, str], keras.KerasTensor],
    **last: Any,
) -> keras.KerasTensor:
    """Branches from `x`, each a chain of convolutions, and a pooling: their channels in a row.

    The last entry of a chain may be several convolutions of the same tensor. `last` are the
    arguments of the last convolution; with strides the pooling has no convolution.
    """
    outputs = []
    for *first, ends in branches:
        y = x
        for part in first:
            y = convolve(y, f"{name}.branch{part}")
        outputs += [convolve(y, f"{name}.branch{part}", **last) for part in ends.split()]
    pooled = pooling(x, f"{name}.pool")
    outputs.append(pooled if last else convolve(pooled, f"{name}.branch_pool"))
    return keras.layers.Concatenate(dtype="float32", name=name)(outputs)


def _convolve(
    tensors: dict[str, np.ndarray],
    x: keras.KerasTensor,
    name: str,
    strides: int = 1,
    padding: str = "same",
) -> keras.KerasTensor:
    kernel, bias = torch_files.folded(tensors, f"{name}.conv", f"{name}.bn")
    layer = channels_last.Conv2D(
        len(bias),
        kernel.shape[:2],
        strides=strides,
        padding=padding,
        activation="relu",
        kernel_initializer="zeros",
        dtype="float32",
        name=name,
    )
    x = layer(x)
    layer.set_weights([kernel, bias])
    return x


def _halving(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return channels_last.MaxPooling2D(3, strides=2, dtype="float32", name=name)(x)


def _maximum(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return channels_last.MaxPooling2D(3, strides=1, padding="same", dtype="float32", name=name)(x)


def _average(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    layer = channels_last.AveragePooling2D
    return layer(3, strides=1, padding="same", dtype="float32", name=name)(x)
