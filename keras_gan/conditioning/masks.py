"""Masks of known pixels."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from keras_gan.core import randomness

# The missing part in each kind of mask, and how often the kind comes in training.
MASKS = {
    "half": 0.3,  # the upper, lower, left or right half
    "rectangle": 0.2,  # a rectangle, its corners anywhere
    "strokes": 0.15,  # three straight strokes of a brush
    "scattered": 0.15,  # single pixels, any share of them
    "everything": 0.15,
    "nothing": 0.05,
}
_STROKES = 3


def half_known(height: int, width: int, axis: int) -> np.ndarray:
    """The mask whose upper (axis 0) or left half (axis 1) is known, bool `[height, width, 1]`."""
    places = np.indices((height, width))[axis]
    return (places < (height, width)[axis] // 2)[..., None]


def masks(height: int, width: int, draws: randomness.Draws) -> tf.Tensor:
    """Masks of the kinds of `MASKS`, bool `[n, height, width, 1]`, true where known."""
    u = randomness.uniform(draws.bits([8 + 4 * _STROKES]))
    bounds = tf.constant(np.cumsum(list(MASKS.values()))[:-1], tf.float32)
    kind = tf.reduce_sum(tf.cast(u[:, :1] >= bounds, tf.int32), axis=1)
    # Centers of the pixels, in units of the image's sides.
    y = ((tf.range(height, dtype=tf.float32) + 0.5) / height)[None, :, None]
    x = ((tf.range(width, dtype=tf.float32) + 0.5) / width)[None, None, :]

    def of(column: int) -> tf.Tensor:
        return u[:, column, None, None]

    def between(value, one, other):
        return (value > tf.minimum(one, other)) & (value < tf.maximum(one, other))

    along = tf.where(of(1) < 0.5, y, x)  # [n, h, w]: the way across the halves
    half = (along < 0.5) == (of(2) < 0.5)
    rectangle = between(y, of(1), of(2)) & between(x, of(3), of(4))
    strokes = tf.zeros_like(half)
    for stroke in range(_STROKES):
        a, b, c, d = (of(8 + 4 * stroke + corner) for corner in range(4))
        strokes |= _distance_to_line(y, x, a, b, c, d) < 0.04 + 0.06 * of(5)
    scattered = randomness.uniform(draws.bits([height, width])) < of(6)
    nothing = tf.zeros_like(half)
    missing = nothing
    # In the order of `MASKS`.
    for number, region in enumerate((half, rectangle, strokes, scattered, ~nothing, nothing)):
        missing |= (kind == number)[:, None, None] & region
    return ~missing[..., None]


def _distance_to_line(y, x, y0, x0, y1, x1):
    """Distance of points to the straight line between two points."""
    dy, dx = y1 - y0, x1 - x0
    part = ((y - y0) * dy + (x - x0) * dx) / (dy**2 + dx**2 + 1e-12)
    part = tf.clip_by_value(part, 0.0, 1.0)
    return tf.sqrt((y - y0 - part * dy) ** 2 + (x - x0 - part * dx) ** 2)
