"""Random changes of color as one matrix for each image (Karras et al. 2020, arXiv:2006.06676)."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from keras_gan.augmentation.images import angles, choose, integers, normal, sometimes


def random_color(images: tf.Tensor, probability: tf.Tensor | float) -> tf.Tensor:
    """Each change has this probability for each image; unchanged images keep their bits.

    Brightness + N(0, 0.2^2), contrast times 2^N(0, 0.5^2), the luma axis flipped or not, hue
    rotated by U(-pi, pi), saturation times 2^N(0, 1), in this order. One channel has no hue and no
    saturation; images of other than 1 or 3 channels change in brightness and contrast alone.
    """
    channels = images.shape[3]
    changes = [0.2 * normal([1]), 0.5 * normal([1])]
    if channels in (1, 3):
        changes += [integers(2, [1]), angles(), normal([1])]
    drawn = [sometimes(probability, change) for change in changes]  # 0 changes nothing
    none = [tf.zeros_like(drawn[0])] * (5 - len(drawn))
    brightness, contrast, flip, hue, saturation = *drawn, *none
    contrast, luma = tf.pow(2.0, contrast), 1 - 2 * flip
    matrix = color_matrix(channels, contrast, luma, hue, tf.pow(2.0, saturation))
    shift = contrast * luma * brightness
    changed = tf.einsum("nij,nhwj->nhwi", matrix, images) + shift[:, :, None, None]
    return choose(tf.reduce_any(tf.concat(drawn, axis=1) != 0, axis=1), changed, images)


def color_matrix(
    channels: int, contrast: tf.Tensor, luma: tf.Tensor, hue: tf.Tensor, saturation: tf.Tensor
) -> tf.Tensor:
    """The matrix that takes the colors of an image to those after the changes.

    It keeps or flips the luma axis v, on which all channels are equal, rotates the plane orthogonal
    to it by the hue and scales that by the saturation; the contrast scales everything.

    Args:
        channels: c; the plane of another number than 3 is scaled, not rotated.
        contrast: Factor, float32 `[n, 1]`, as are the others.
        luma: 1 keeps the luma axis, -1 flips it.
        hue: Angle in radians.
        saturation: Factor.

    Returns:
        float32 `[n, c, c]`.
    """
    along = np.full((channels, channels), 1 / channels, np.float32)  # v v^T
    plane = np.eye(channels, dtype=np.float32) - along
    turned = tf.cos(hue)[:, :, None] * plane
    if channels == 3:
        quarter = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)  # turn of the plane
        turned += tf.sin(hue)[:, :, None] * quarter.astype(np.float32)
    total = luma[:, :, None] * along + saturation[:, :, None] * turned
    return contrast[:, :, None] * total
