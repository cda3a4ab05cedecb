"""Resampling by 2 with a low-pass filter.

The filter is [1, 3, 3, 1] / 8 along both sides, with zeros around the image (R3GAN: Huang et al.
2024, arXiv:2501.05441). Each side is resampled by a product with a constant matrix: on CPUs that
is as fast as a depthwise convolution, and compiled by XLA, with its gradient, 30 times faster. A
large image of few channels is resampled by a convolution of all channels, which takes fewer
multiplications there.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from keras_gan.core.errors import InputError

FILTER = np.array([1, 3, 3, 1]) / 8


def _downsampling_matrix(length: int) -> np.ndarray:
    """`[ceil(length / 2), length]`: output i is the filter's mean of inputs 2i - 1 to 2i + 2."""
    matrix = np.zeros((_half(length), length + 3))
    for row in range(len(matrix)):
        matrix[row, 2 * row : 2 * row + 4] = FILTER
    return matrix[:, 1 : length + 1]


def _half(length: int) -> int:
    return (length + 1) // 2


def _resample(images: tf.Tensor, of_rows: np.ndarray, of_columns: np.ndarray) -> tf.Tensor:
    """Images `[n, h, w, c]` with h and w multiplied by matrices `[h', h]` and `[w', w]`."""
    _, height, width, channels = images.shape
    rows, columns = (tf.constant(matrix, images.dtype) for matrix in (of_rows, of_columns))
    images = tf.matmul(rows, tf.reshape(images, [-1, height, width * channels]))
    images = tf.matmul(columns, tf.reshape(images, [-1, width, channels]))
    return tf.reshape(images, [-1, len(of_rows), len(of_columns), channels])


def _kernel(images: tf.Tensor, gain: float) -> tf.Tensor:
    """The filter along both sides as a kernel `[4, 4, c, c]` that keeps channels apart."""
    channels = np.eye(images.shape[-1])
    return tf.constant(gain * np.einsum("i,j,kl->ijkl", FILTER, FILTER, channels), images.dtype)


def _is_large(images: tf.Tensor) -> bool:
    """Whether a convolution takes fewer multiplications than products with matrices, about.

    Of h x h numbers with c channels, halving takes `4 h^2 c^2` against `3/4 h^3 c`, doubling
    `16 h^2 c^2` against `6 h^3 c`.
    """
    _, height, width, channels = images.shape
    return min(height, width) > 5 * channels


class _Resampling(keras.layers.Layer):
    def build(self, input_shape):
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise InputError(
                f"{type(self).__name__} takes images [n, h, w, c] of a fixed shape. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        self.built = True


@keras.saving.register_keras_serializable("keras_gan")
class Upsample2x(_Resampling):
    """Twice the height and the width: zeros between the pixels, then the filter with gain 4.

    That is bilinear: a new pixel is 9, 3, 3 and 1 sixteenths of the nearest four. A constant image
    stays constant except at the border, where pixels outside count as 0.

    Input: float `[n, h, w, c]`. Output: float `[n, 2 h, 2 w, c]`.
    """

    def call(self, inputs):
        if _is_large(inputs):
            shape = (tf.shape(inputs)[0], *self.compute_output_shape(inputs.shape)[1:])
            return tf.nn.conv2d_transpose(inputs, _kernel(inputs, gain=4), shape, strides=2)
        # The transpose of downsampling; gain 2 along each side makes up for the zeros.
        matrices = (2 * _downsampling_matrix(2 * length).T for length in inputs.shape[1:3])
        return _resample(inputs, *matrices)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, 2 * height, 2 * width, channels)


@keras.saving.register_keras_serializable("keras_gan")
class Downsample2x(_Resampling):
    """Half the height and the width, rounded up: the filter at every second pixel.

    A constant image stays constant except at the border, where pixels outside count as 0.

    Input: float `[n, h, w, c]`. Output: float `[n, ceil(h / 2), ceil(w / 2), c]`.
    """

    def call(self, inputs):
        if _is_large(inputs):
            return tf.nn.conv2d(inputs, _kernel(inputs, gain=1), strides=2, padding="SAME")
        return _resample(inputs, *(_downsampling_matrix(length) for length in inputs.shape[1:3]))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, _half(height), _half(width), channels)
