"""Augmentations that move whole pixels, and squares of zeros."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.augmentation.images import ImageAugmentation, choose, integers, uniform
from keras_gan.core.arguments import is_number
from keras_gan.core.errors import InputError

__all__ = ["RandomFlip", "RandomShift"]


@keras.saving.register_keras_serializable("keras_gan")
class RandomFlip(ImageAugmentation):
    """Mirrors each image left to right with probability 1/2."""

    def call(self, examples: tf.Tensor) -> tf.Tensor:
        """Returns the images, some of them mirrored, `[n, h, w, c]`."""
        return choose(uniform() < 0.5, tf.reverse(examples, axis=[2]), examples)


@keras.saving.register_keras_serializable("keras_gan")
class RandomShift(ImageAugmentation):
    """Shifts each image by whole pixels, mirrored at the borders.

    The shifts of the two axes are uniform on `{-s, ..., s}`, s being the fraction of the height or
    of the width, rounded. Zhang et al. 2020 (arXiv:1910.12027) use it with `RandomFlip`.

    Args:
        fraction: The largest shift relative to the image's side, in (0, 1).
    """

    def __init__(self, fraction: float = 0.125, **kwargs):
        super().__init__(**kwargs)
        if not (is_number(fraction) and 0 < fraction < 1):
            raise InputError(f"`fraction` must be in (0, 1). Received: fraction={fraction!r}")
        self.fraction = fraction

    def call(self, examples: tf.Tensor) -> tf.Tensor:
        """Returns the shifted images, `[n, h, w, c]`."""
        return random_shift(examples, self.fraction, mirrored=True)

    def get_config(self) -> dict:
        return {**super().get_config(), "fraction": self.fraction}


def random_shift(images: tf.Tensor, fraction: float, mirrored: bool) -> tf.Tensor:
    """Images shifted by whole pixels, at most this fraction of their sides on each axis.

    The gap on the other side is filled with the mirrored image, or with zeros.
    """
    height, width = images.shape[1:3]
    most = [int(size * fraction + 0.5) for size in (height, width)]
    rows, columns = (
        axis(size) + integers(2 * largest + 1, [1])  # of images with borders as wide as `largest`
        for size, largest in zip((height, width), most, strict=True)
    )
    if mirrored:
        rows, columns = reflect(rows - most[0], height), reflect(columns - most[1], width)
    else:
        images = tf.pad(images, [[0, 0], *[[largest, largest] for largest in most], [0, 0]])
    return take(images, rows[:, :, None], columns[:, None, :])


def random_cutout(images: tf.Tensor) -> tf.Tensor:
    """Images with a rectangle of zeros, half as high and wide, cut off at the borders.

    Its center is uniform over the image.
    """
    masked = []
    for size in images.shape[1:3]:
        side = int(size / 2 + 0.5)
        start = integers(size + 1 - side % 2, [1]) - side // 2
        places = axis(size)
        masked.append(tf.cast((places >= start) & (places < start + side), images.dtype))
    return images * (1 - masked[0][:, :, None, None] * masked[1][:, None, :, None])


def take(images: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """The pixels at these rows and columns of each image.

    Args:
        images: float32 `[n, h, w, c]`.
        rows: Whole float32 numbers in `[0, h - 1]`, which broadcast with `columns` to `[n, i, j]`.
        columns: The same in `[0, w - 1]`.

    Returns:
        float32 `[n, i, j, c]`.
    """
    height, width, channels = images.shape[1:]
    places = tf.cast(rows * width + columns, tf.int32)  # exact up to 2**24 pixels
    # Of all images in one axis: the second derivative of `batch_dims=1` has a transpose, which XLA
    # does not compile inside of the condition of a lazy penalty.
    first = tf.range(tf.shape(images)[0])[:, None, None] * (height * width)
    return tf.gather(tf.reshape(images, [-1, channels]), first + places)


def reflect(places, size: int):
    """Places on an axis, mirrored at its first and last pixel until they are in [0, size - 1]."""
    last = size - 1
    return last - abs(places % (2 * last) - last) if last else 0 * places


def axis(size: int) -> tf.Tensor:
    """The places of an axis's pixels, float32 `[size]`."""
    return tf.range(size, dtype=tf.float32)
