"""The log density of a mixture of equal Gaussians: exact, and in blocks of matrix products.

The squared distances come from the expanded square |x|^2 + |c|^2 - 2 x.c, and one pass over them
serves every bandwidth: the center nearest to a point gives the largest term under each of them, so
a running minimum of the distances is all that a streaming log-sum-exp needs. Nothing of the size
points x centers is ever held, for the gradients neither.

The expanded square loses digits: float32 rounds it by some 4 eps (|x|^2 + |c|^2), and the log
density magnifies that by 1 / (2 sigma^2). Therefore:

- Everything is centered at the mean of the centers, so that an offset of the data costs nothing.
- Where the rounding could pass `TOLERANCE` nats at the smallest bandwidth, the pairs that it could
  harm are computed again directly, as |x - c|^2. They are few: terms far below a point's largest
  do not count, and at a bandwidth so large that they do, the rounding is too small to.
- TF32 (a GPU's default) and bfloat16 (a TPU's) are too coarse for any of this: where they would be
  used, products are taken in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

POINTS, CENTERS = 512, 1024  # a block of distances: 2 MiB in float32, to stay in the cache
TERMS = 2**22  # the most numbers in one temporary: 16 MiB in float32
ROUNDING = 4.0  # of the expanded square, in eps (|x|^2 + |c|^2); measured: rms < 1.5, worst 7
TOLERANCE = 0.004  # nats
NEGLIGIBLE = 6.0  # terms that together hold less than e^-6 of a sum may keep their rounding
FAR = 1e30  # squared distance of the rows that fill up the last block of centers


def bandwidths(dtype: np.dtype) -> tuple[float, float]:
    """The smallest and the largest bandwidth whose square and its inverse are of this type."""
    least = 10 * float(np.finfo(dtype).tiny) ** 0.5
    return least, 1 / least


@tf.function(reduce_retracing=True, autograph=False)
def log_density(points: tf.Tensor, centers: tf.Tensor, bandwidths: tf.Tensor) -> tf.Tensor:
    """Log density in nats of each point in the equal mixture of N(c, sigma^2 I), c in `centers`.

    Twice differentiable in all three arguments. The value and the first derivatives hold one block
    at a time, and a few copies of the arguments; the second derivatives hold every block.

    From points [m, d], centers [n, d] and sigma [m, r], r values for each point, to [m, r]; all are
    float32 or all float64.
    """
    mean, variance = tf.nn.moments(tf.stop_gradient(centers), axes=0)
    origin = tf.where(16 * mean**2 > variance, mean, 0)  # elsewhere only digits would be lost
    precisions = 0.5 / bandwidths**2
    log_sum, nearest = _log_sum(points - origin, centers - origin, precisions)
    count, dimension = (tf.cast(size, centers.dtype) for size in tf.unstack(tf.shape(centers)))
    log_normalizer = tf.math.log(count) - 0.5 * dimension * tf.math.log(precisions / math.pi)
    return log_sum - precisions * tf.stop_gradient(nearest)[:, None] - log_normalizer


@tf.custom_gradient
def _log_sum(points, centers, precisions):
    """Log of sum_j exp(precision (nearest - |x - c_j|^2)), and nearest = min_j |x - c_j|^2."""
    center_blocks = _center_blocks(centers)

    def over_centers(x, precision, slack):
        precision = tf.transpose(precision)  # [r, p]

        def step(state, block):
            nearest, total = state  # [p], [r, p]
            squares = _squared_distances(x, *block, nearest, slack)  # [p, q]
            closer = tf.minimum(nearest, tf.reduce_min(squares, axis=1))
            terms = tf.exp((closer[:, None] - squares) * precision[:, :, None])  # [r, p, q]
            total *= tf.exp((closer - nearest) * precision)
            return closer, total + tf.reduce_sum(terms, axis=2)

        start = (tf.fill(tf.shape(x)[:1], tf.constant(math.inf, x.dtype)), tf.zeros_like(precision))
        nearest, total = tf.foldl(step, center_blocks, start)
        return tf.transpose(tf.math.log(total)), nearest

    slack = _slack(points, centers, precisions)
    results = _map_rows(over_centers, points, precisions, slack)
    log_sum, nearest = map(tf.stop_gradient, results)  # the loops above are never differentiated

    def gradient(upstream, _):
        return _gradients(upstream, log_sum, nearest, points, centers, precisions)

    return (log_sum, nearest), gradient


@tf.custom_gradient
def _known_log_sum(log_sum, nearest, points, centers, precisions):
    """`log_sum` unchanged, with its derivatives: the way of a second derivative to the inputs."""

    def gradient(upstream):
        pulled = _gradients(upstream, log_sum, nearest, points, centers, precisions)
        return tf.zeros_like(log_sum), tf.zeros_like(nearest), *pulled

    return tf.identity(log_sum), gradient


def _gradients(upstream, *known):
    # The identities belong to the graph of this gradient, as the next derivative needs them to.
    log_sum, *others = [tf.identity(tensor) for tensor in known]
    return _pull_back(upstream, _known_log_sum(log_sum, *others), *others)


def _pull_back(upstream, log_sum, nearest, points, centers, precisions):
    """Gradients of sum(upstream * log_sum) with respect to points, centers and precisions."""
    slack = _slack(points, centers, precisions)
    rows = (points, precisions, slack, nearest, log_sum, upstream)

    def block_pair(center_block, x, precision, slack, nearest, log_sum, upstream):
        squares = _squared_distances(x, *center_block, nearest, slack)
        below = nearest[:, None] - squares  # [p, q]
        exponent = below * tf.transpose(precision)[:, :, None] - tf.transpose(log_sum)[:, :, None]
        shares = tf.exp(exponent) * tf.transpose(upstream)[:, :, None]  # [r, p, q]
        force = 2 * tf.reduce_sum(shares * tf.transpose(precision)[:, :, None], axis=0)
        return below, shares, force

    def onto_points(x, precision, *others):
        def step(state, block):
            of_x, of_precision = state
            below, shares, force = block_pair(block, x, precision, *others)
            of_precision += tf.transpose(tf.reduce_sum(below * shares, axis=2))
            return of_x + _toward(force, x, block[0]), of_precision

        start = (tf.zeros_like(x), tf.zeros_like(precision))
        return tf.foldl(step, _center_blocks(centers), start)

    def onto_centers(block):
        def step(of_c, row_block):
            _, _, force = block_pair(block, *row_block)
            return of_c + _toward(tf.transpose(force), block[0], row_block[0])

        return tf.foldl(step, _row_blocks(rows), tf.zeros_like(block[0]))

    of_points, of_precisions = _map_rows(onto_points, *rows)
    of_centers = tf.map_fn(onto_centers, _center_blocks(centers), fn_output_signature=centers.dtype)
    return of_points, _joined(of_centers, centers), of_precisions


@tf.custom_gradient
def _squared_distances(x, c, filling, nearest, slack):
    """|x - c|^2 for a block of points [p, d] and one of centers [q, d]: [p, q].

    `filling` [q] is added, `nearest` [p] is the smallest seen so far, and what is within `slack`
    [p] of the smallest is computed directly.
    """
    norms = tf.reduce_sum(x**2, axis=1)[:, None] + (tf.reduce_sum(c**2, axis=1) + filling)
    squares = tf.maximum(norms - 2 * _product(x, c, transpose_b=True), 0)

    def with_direct():
        limit = tf.minimum(nearest, tf.reduce_min(squares, axis=1)) + slack

        def one_of_each_row(squares, pending):
            column = tf.argmax(tf.cast(pending, tf.int8), axis=1)  # [p]
            direct = tf.reduce_sum((x - tf.gather(c, column)) ** 2, axis=1)
            now = pending & tf.one_hot(column, tf.shape(c)[0], on_value=True, off_value=False)
            return tf.where(now, direct[:, None], squares), pending & ~now

        pending = squares <= limit[:, None]
        return tf.while_loop(
            lambda _, pending: tf.reduce_any(pending), one_of_each_row, (squares, pending)
        )[0]

    def gradient(upstream):
        of_x = -2 * _toward(upstream, x, c)
        of_c = -2 * _toward(tf.transpose(upstream), c, x)
        return of_x, of_c, *(tf.zeros_like(constant) for constant in (filling, nearest, slack))

    return tf.cond(tf.reduce_any(slack > 0), with_direct, lambda: squares), gradient


def _toward(force, x, c):
    """sum_j force_ij (c_j - x_i): [p, d]."""
    return _product(force, c) - tf.reduce_sum(force, axis=1)[:, None] * x


def _slack(points, centers, precisions):
    """How far above the nearest a squared distance still needs all its digits: [m], < 0 if none do.

    A term whose precision magnifies the rounding beyond the tolerance, precision > tolerance /
    rounding, is negligible where precision * (its square - nearest) > log(n) + NEGLIGIBLE.
    """
    norms = tf.reduce_sum(points**2, axis=1) + tf.reduce_max(tf.reduce_sum(centers**2, axis=1))
    rounding = ROUNDING * np.finfo(points.dtype.as_numpy_dtype).eps * norms
    reach = tf.math.log(tf.cast(tf.shape(centers)[0], points.dtype)) + NEGLIGIBLE
    harmed = rounding * tf.reduce_max(precisions, axis=1) > TOLERANCE
    return tf.where(harmed, reach / TOLERANCE * rounding, -math.inf)


def _product(a, b, **transposes):
    """Matrix product with all the digits of its dtype on any device."""
    coarse = tf.config.list_logical_devices("TPU") or (
        tf.config.list_logical_devices("GPU")
        and tf.config.experimental.tensor_float_32_execution_enabled()
    )
    if not coarse:
        return tf.matmul(a, b, **transposes)
    exact = tf.matmul(tf.cast(a, tf.float64), tf.cast(b, tf.float64), **transposes)
    return tf.cast(exact, a.dtype)


def _blocks(rows, size, fill=0.0):
    """[n, ...] -> [k, s, ...]: k even blocks of at most `size` rows, the last one filled up."""
    n = tf.shape(rows)[0]
    count = tf.maximum((n + size - 1) // size, 1)
    size = tf.maximum((n + count - 1) // count, 1)
    padding = [[0, count * size - n]] + [[0, 0]] * (rows.shape.rank - 1)
    padded = tf.pad(rows, padding, constant_values=tf.cast(fill, rows.dtype))
    return tf.reshape(padded, tf.concat([[count, size], tf.shape(rows)[1:]], axis=0))


def _joined(blocks, rows):
    """[k, s, ...] -> [n, ...] with the n of `rows`: undoes `_blocks`."""
    merged = tf.reshape(blocks, tf.concat([[-1], tf.shape(blocks)[2:]], axis=0))
    return merged[: tf.shape(rows)[0]]


def _center_blocks(centers):
    filling = tf.zeros_like(centers[:, 0])
    return _blocks(centers, CENTERS), _blocks(filling, CENTERS, fill=FAR)


def _row_blocks(arrays):
    """Blocks of points, with what belongs to them; the second array is [m, r]."""
    size = tf.clip_by_value(TERMS // CENTERS // tf.shape(arrays[1])[1], 1, POINTS)
    return tuple(_blocks(array, size) for array in arrays)


def _map_rows(function: Callable, *arrays):
    """`function` over blocks of rows; it returns two arrays of as many rows."""
    results = tf.map_fn(
        lambda blocks: function(*blocks),
        _row_blocks(arrays),
        fn_output_signature=(arrays[0].dtype,) * 2,
    )
    return tuple(_joined(result, arrays[0]) for result in results)
