"""The base class of feature networks: pictures in, features out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError
from keras_gan.core.replicas import on_shares

_BATCH = 32
_PIXELS = 2**22  # the most in one batch before resizing: 100 MB in double precision


class FeatureNetwork(Protocol):
    """A fixed network whose features distances are computed on."""

    @property
    def name(self) -> str:
        """For example `efficientnet_lite0`."""

    @property
    def weights(self) -> str:
        """SHA-256 of the weights, hexadecimal."""

    @property
    def resizing(self) -> str:
        """How pictures come to the size that the network takes, in one sentence."""

    def features(self, images: ArrayLike) -> np.ndarray:
        """Features of images `[n, h, w, c]`, uint8 or floats in [0, 1]; float32 `[n, d]`."""


class PretrainedNetwork:
    """A network that was trained on other pictures.

    Images are `[n, h, w, c]`, uint8 or floats in [0, 1], which are rounded to bytes first, as a
    file of pictures would hold them (see `as_rgb_bytes`). Memory is bounded: the network runs on
    batches of one size, the last one filled up. Made in the scope of a strategy, it runs on all
    replicas.

    Args:
        name: Its name in results.
        weights: SHA-256 of its weights, hexadecimal.
        resizing: How pictures come to its size, in one sentence.
        prepare: From pixels 0 to 255, float32 `[batch, h, w, 3]`, to what `model` takes.
        model: A Keras model, or any function of tensors, with features `[batch, d]`.
    """

    def __init__(
        self,
        name: str,
        weights: str,
        resizing: str,
        prepare: Callable[[tf.Tensor], tf.Tensor],
        model: Callable[[tf.Tensor], tf.Tensor],
    ):
        self.name = name
        self.weights = weights
        self.resizing = resizing

        @tf.function
        def run(images: tf.Tensor) -> tf.Tensor:
            return model(prepare(tf.cast(images, tf.float32)))

        self._run = run
        self._strategy = tf.distribute.get_strategy()

    def features(self, images: ArrayLike) -> np.ndarray:
        """Features of images, float32 `[n, d]`."""
        images = _checked(images)
        n, height, width, _ = images.shape
        batch = max(1, min(_BATCH, _PIXELS // (height * width)))
        batch *= self._strategy.num_replicas_in_sync
        features = np.empty([n, 0], np.float32)
        for start in range(0, n, batch):
            rows = as_rgb_bytes(images[start : start + batch])
            filled = np.pad(rows, [(0, batch - len(rows)), (0, 0), (0, 0), (0, 0)])
            found = np.concatenate(on_shares(self._strategy, self._run, filled))[: len(rows)]
            if not start:
                features = np.empty([n, found.shape[1]], np.float32)
            features[start : start + batch] = found
        return features


def digest(arrays: Iterable[np.ndarray]) -> str:
    """SHA-256 of weights, their types and shapes; hexadecimal."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype} {array.shape} ".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def as_rgb_bytes(images: np.ndarray) -> np.ndarray:
    """Images `[n, h, w, c]`, uint8 or floats in [0, 1], as uint8 `[n, h, w, 3]`.

    Gray ones are repeated to three channels, transparent parts are shown on white.
    """
    if images.dtype != np.uint8:
        images = np.rint(255 * images.astype(np.float64)).astype(np.uint8)
    channels = images.shape[-1]
    if channels in (2, 4):
        alpha = images[..., -1:] / 255
        images = np.rint(alpha * images[..., :-1] + 255 * (1 - alpha)).astype(np.uint8)
    return images if channels >= 3 else np.repeat(images, 3, axis=-1)


def _checked(images: ArrayLike) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 4 or not images.size or images.shape[-1] > 4:
        raise InputError(
            "a feature network takes images [n, h, w, c] of 1 (gray), 2 (gray, alpha), 3 (RGB) or "
            f"4 (RGB, alpha) channels. Received: an array of shape {images.shape}"
        )
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise InputError(f"images must be uint8 or floats in [0, 1]. Received: {images.dtype}")
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 1):  # also where one is NaN
        raise InputError(
            f"images of floats must be in [0, 1]. Received: numbers from {low:g} to {high:g}"
        )
    return images
