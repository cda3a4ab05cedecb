"""How pictures come to the size of a network; float32 `[n, h, w, c]` of 0 to 255 in and out."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

CLEAN = "Pillow's bicubic filter to {0} x {0}, antialiased, in floats, clipped to [0, 255]"
TENSORFLOW_1 = "TensorFlow 1's bilinear resizing to {0} x {0}, not antialiased"


def clean(images: tf.Tensor, size: int) -> tf.Tensor:
    """Resizes as Pillow does a picture of floats with its bicubic filter, then clips.

    Parmar et al. 2022, "On aliased resizing and surprising subtleties in GAN evaluation"
    (arXiv:2104.11222): the mode "clean" of their clean-fid.
    """
    rows, columns = (_bicubic(length, size) for length in images.shape[1:3])
    # In double precision, which no GPU rounds to TensorFloat-32.
    pixels = tf.cast(images, tf.float64)
    resized = tf.einsum("ah,nhwc,bw->nabc", rows, pixels, columns)
    return tf.clip_by_value(tf.cast(resized, tf.float32), 0, 255)


def tensorflow_1(images: tf.Tensor, size: int) -> tf.Tensor:
    """Resizes as TensorFlow 1 did: pixel i is at the place i, not i + 1/2, and nothing is averaged.

    The first FID was computed so (Heusel et al. 2017).
    """
    return tf.compat.v1.image.resize_bilinear(
        images, (size, size), align_corners=False, half_pixel_centers=False
    )


def _bicubic(length: int, size: int) -> np.ndarray:
    """Weights of `length` pixels in each of `size` pixels, float64 `[size, length]`.

    Keys's cubic (a = -1/2) about the place of the new pixel, as wide as 4 pixels of the coarser
    grid, so that shrinking averages. Places outside of the picture have no weight.
    """
    scale = length / size
    places = (np.arange(size) + 0.5) * scale
    x = np.abs(np.arange(length) + 0.5 - places[:, None]) / max(scale, 1)
    weights = np.where(x < 1, (1.5 * x - 2.5) * x**2 + 1, ((2.5 - 0.5 * x) * x - 4) * x + 2)
    weights[x >= 2] = 0
    return weights / weights.sum(axis=1, keepdims=True)
