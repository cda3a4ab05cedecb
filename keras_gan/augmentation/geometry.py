"""Random geometric changes of images (Karras et al. 2020, arXiv:2006.06676, appendix B)."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from keras_gan.augmentation.images import angles, choose, integers, normal, sometimes, uniform
from keras_gan.augmentation.pixels import axis, reflect, take

# Low-pass filter of the wavelet sym6 (Daubechies 1992): orthonormal under shifts by two.
SYM6 = np.array(
    [
        *(0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633),
        *(0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252),
        *(-0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148),
    ]
)


def random_geometry(images: tf.Tensor, probability: tf.Tensor | float) -> tf.Tensor:
    """Each change has this probability for each image; unchanged images keep their bits.

    Mirrored or not, turned by 0 to 3 right angles, shifted by up to 1/8 of the sides; these move
    whole pixels. Then one resampling of each image for scaling by 2^N(0, 0.2^2), rotation by
    U(-pi, pi), stretching by 2^N(0, 0.2^2), a second rotation, and a shift by N(0, 0.125^2) of the
    sides. At least one of both rotations has this probability. The border mirrors the image.
    """
    return _resampled(_moved(images, probability), probability)


def _moved(images: tf.Tensor, probability: tf.Tensor | float) -> tf.Tensor:
    """Mirrored, turned by right angles and shifted, each at random."""
    height, width = images.shape[1:3]
    mirrored = sometimes(probability, integers(2, [1]))
    turns = sometimes(probability, integers(4, [1]))
    sides = tf.constant([height, width], tf.float32)
    shift = sometimes(probability, tf.round((uniform([2]) - 0.5) * 0.25 * sides))
    return moved(images, mirrored, turns, shift)


def moved(images: tf.Tensor, mirrored: tf.Tensor, turns: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Images mirrored left to right, then turned counterclockwise, then shifted.

    If the sides differ by an odd number, the center of a turn is half a pixel from the image's.

    Args:
        images: float32 `[n, h, w, c]`.
        mirrored: 0 or 1, float32 `[n, 1]`.
        turns: Number of right angles, 0 to 3, float32 `[n, 1]`.
        shift: Pixels down and to the right, whole numbers, float32 `[n, 2]`.
    """
    height, width = images.shape[1:3]
    # Twice the distances from the center, which are whole numbers.
    y = (2 * (axis(height) - shift[:, :1]) - (height - 1))[:, :, None]
    x = (2 * (axis(width) - shift[:, 1:]) - (width - 1))[:, None, :]
    angle = (math.pi / 2 * turns)[:, :, None]
    cosine, sine = tf.round(tf.cos(angle)), tf.round(tf.sin(angle))
    y, x = cosine * y + sine * x, cosine * x - sine * y
    x *= 1 - 2 * mirrored[:, :, None]
    rows, columns = (y + height - 1) // 2, (x + width - 1) // 2
    return take(images, reflect(rows, height), reflect(columns, width))


def _resampled(images: tf.Tensor, probability: tf.Tensor | float) -> tf.Tensor:
    """Scaled, rotated, stretched, rotated again and shifted, each at random."""
    rotated = 1 - tf.sqrt(tf.maximum(1.0 - probability, 0.0))  # twice: at least once in p
    drawn = tf.concat(
        [
            sometimes(probability, 0.2 * normal([1])),
            sometimes(rotated, angles()),
            sometimes(probability, 0.2 * normal([1])),
            sometimes(rotated, angles()),
            sometimes(probability, 0.125 * normal([2])),
        ],
        axis=1,
    )  # zeros change nothing
    changed = tf.reduce_any(drawn != 0, axis=1)
    return choose(changed, resampled(images, *tf.unstack(drawn, axis=1)), images)


def resampled(
    images: tf.Tensor,
    scale: tf.Tensor,
    before: tf.Tensor,
    stretch: tf.Tensor,
    after: tf.Tensor,
    down: tf.Tensor,
    right: tf.Tensor,
) -> tf.Tensor:
    """Images scaled, rotated, stretched, rotated again and shifted, in one resampling.

    They are enlarged twofold by the filter sym6, sampled bilinearly and reduced by the same filter,
    so that little is blurred or aliased.

    Args:
        images: float32 `[n, h, w, c]`.
        scale: Binary logarithm of the size's factor, float32 `[n]`, as are the others.
        before: Angle in radians.
        stretch: Binary logarithm of the width's factor; the height's is its inverse.
        after: Angle in radians.
        down: Shift relative to the height.
        right: Shift relative to the width.
    """
    height, width = images.shape[1:3]
    down, right = down * height, right * width
    # From the places of the result to those in the image, relative to the center.
    y = (_doubled_places(height) - down[:, None])[:, :, None]
    x = (_doubled_places(width) - right[:, None])[:, None, :]
    y, x = _rotated(y, x, after)
    factor = tf.pow(2.0, stretch)[:, None, None]
    y, x = _rotated(y * factor, x / factor, before)
    factor = tf.pow(2.0, -scale)[:, None, None]
    rows = reflect(y * factor + (height - 1) / 2, height)
    columns = reflect(x * factor + (width - 1) / 2, width)
    enlarged = _filtered(images, doubling(height), doubling(width))
    sampled = _bilinear(enlarged, 2 * rows, 2 * columns)
    return _filtered(sampled, halving(height), halving(width))


def _rotated(y: tf.Tensor, x: tf.Tensor, angle: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    cosine, sine = tf.cos(angle)[:, None, None], tf.sin(angle)[:, None, None]
    return cosine * y + sine * x, cosine * x - sine * y


def _bilinear(images: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Images at places `[n, i, j]` at least one pixel before their last row and column."""
    top, left = tf.floor(rows), tf.floor(columns)
    lower, righter = (rows - top)[..., None], (columns - left)[..., None]
    upper_row = take(images, top, left) * (1 - righter) + take(images, top, left + 1) * righter
    top += 1
    lower_row = take(images, top, left) * (1 - righter) + take(images, top, left + 1) * righter
    return upper_row * (1 - lower) + lower_row * lower


# ------------------------------------------------- filters of a whole axis, as matrices


def _filtered(images: tf.Tensor, rows: np.ndarray, columns: np.ndarray) -> tf.Tensor:
    """Images with a matrix applied to their columns and one to their rows."""
    images = tf.einsum("ih,nhwc->niwc", tf.constant(rows, tf.float32), images)
    return tf.einsum("jw,niwc->nijc", tf.constant(columns, tf.float32), images)


def doubling(size: int) -> np.ndarray:
    """Twofold enlargement of an axis mirrored at its ends, `[2 size, size]`: zeros, then sym6.

    Pixel k becomes pixel 2k: the filter's center of mass is at its sixth number.
    """
    matrix = np.zeros((2 * size, size))
    for row in range(2 * size):
        for tap in range((row + 1) % 2, 12, 2):
            matrix[row, reflect((row + 5 - tap) // 2, size)] += np.sqrt(2) * SYM6[tap]
    return matrix


def halving(size: int) -> np.ndarray:
    """Twofold reduction by sym6, `[size, 2 size + 10]`; the longer axis begins 5 places earlier."""
    matrix = np.zeros((size, 2 * size + 10))
    for row in range(size):
        matrix[row, 2 * row : 2 * row + 12] = SYM6 / np.sqrt(2)
    return matrix


def _doubled_places(size: int) -> tf.Tensor:
    """The places that `halving` reads, in pixels of the image from its center, `[2 size + 10]`."""
    return (axis(2 * size + 10) - 5) / 2 - (size - 1) / 2
