"""Resampling by 2 against SciPy, its gradients, and its conversion to ONNX."""

from __future__ import annotations

import keras
import numpy as np
import onnxruntime
import pytest
import scipy.signal
import tensorflow as tf
import tf2onnx
from small import MODES, modes

from keras_gan import InputError, layers

KERNEL = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64


def numbers(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def upsampled(x):
    """Zeros between the pixels, then the filter with gain 4, by SciPy in float64."""
    n, h, w, c = x.shape
    y = np.zeros((n, 2 * h, 2 * w, c))
    for i, k in np.ndindex(n, c):
        spread = np.zeros((2 * h, 2 * w))
        spread[::2, ::2] = x[i, :, :, k]
        y[i, :, :, k] = scipy.signal.convolve2d(spread, 4 * KERNEL)[1:-2, 1:-2]
    return y


def downsampled(x):
    """The filter, then every second pixel; zeros outside."""
    n, h, w, c = x.shape
    y = np.zeros((n, -(-h // 2), -(-w // 2), c))
    for i, k in np.ndindex(n, c):
        filtered = scipy.signal.convolve2d(x[i, :, :, k], KERNEL)
        y[i, :, :, k] = filtered[2 : h + 2 : 2, 2 : w + 2 : 2]
    return y


CASES = [
    (layers.Upsample2x, upsampled, (2, 5, 7, 3)),
    (layers.Upsample2x, upsampled, (1, 1, 4, 1)),
    (layers.Downsample2x, downsampled, (2, 6, 10, 3)),
    (layers.Downsample2x, downsampled, (1, 2, 8, 9)),
    (layers.Downsample2x, downsampled, (2, 5, 9, 1)),
    # Large images of few channels, which are convolved.
    (layers.Upsample2x, upsampled, (2, 6, 7, 1)),
    (layers.Downsample2x, downsampled, (1, 12, 11, 2)),
]
cases = pytest.mark.parametrize(("kind", "expected", "shape"), CASES)


@modes
@cases
def test_values(kind, expected, shape, mode):
    layer, x = kind(dtype="float64"), numbers(shape)
    y = MODES[mode](layer)(tf.constant(x))
    np.testing.assert_allclose(y, expected(x), rtol=1e-12, atol=1e-12)
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *y.shape[1:])


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
@cases
def test_precisions(kind, expected, shape, dtype):
    layer, x = kind(dtype=dtype), numbers(shape)
    y = layer(x.astype(np.float32))
    assert y.dtype == layer.compute_dtype
    tolerance = {"float32": 1e-6, "mixed_bfloat16": 3e-2, "mixed_float16": 4e-3}[dtype]
    np.testing.assert_allclose(tf.cast(y, tf.float64), expected(x), atol=tolerance)


def test_what_they_do_to_a_pixel_and_to_a_constant():
    pixel = np.zeros((1, 3, 3, 1))
    pixel[0, 1, 1] = 1
    found = layers.Upsample2x(dtype="float64")(pixel)[0, 1:5, 1:5, 0]
    np.testing.assert_array_equal(found, np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16)
    constant = np.ones((1, 6, 8, 2))
    for layer in (layers.Upsample2x(dtype="float64"), layers.Downsample2x(dtype="float64")):
        y = layer(constant).numpy()
        np.testing.assert_array_equal(y[:, 1:-1, 1:-1], 1)
    # Zeros outside take an eighth of a border pixel when halved, a quarter when doubled.
    np.testing.assert_allclose(y[0, 0, 1:-1], 7 / 8)
    doubled = layers.Upsample2x(dtype="float64")(constant)
    np.testing.assert_allclose(doubled[0, 0, 1:-1], 3 / 4)


@modes
@cases
def test_first_and_second_gradients(kind, expected, shape, mode):
    """d/dx of sum y^3 and of |d/dx sum y^3|^2, by central differences of SciPy's values."""
    layer, x = kind(dtype="float64"), numbers(shape)

    @MODES[mode]
    def gradients(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(layer(x) ** 3)
            first = inner.gradient(y, x)
            penalty = tf.reduce_sum(first**2)
        return first, outer.gradient(penalty, x)

    first, second = (gradient.numpy() for gradient in gradients(tf.constant(x)))

    def difference(function, direction, step=1e-5):
        return (function(x + step * direction) - function(x - step * direction)) / (2 * step)

    for seed in range(3):
        direction = numbers(shape, seed + 1)
        along = difference(lambda x: np.sum(expected(x) ** 3), direction)
        np.testing.assert_allclose(np.sum(first * direction), along, rtol=1e-6, atol=1e-6)
        # d/dx |g|^2 = 2 H g, and H v is the derivative of g along v.
        hessian_first = difference(lambda x: gradient_at(layer, x), first)
        np.testing.assert_allclose(second, 2 * hessian_first, rtol=1e-5, atol=1e-5)


def gradient_at(layer, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(layer(x) ** 3)
    return tape.gradient(y, x).numpy()


def test_one_is_the_transpose_of_the_other():
    small, large = numbers((2, 3, 4, 2)), numbers((2, 6, 8, 2), seed=1)
    up, down = layers.Upsample2x(dtype="float64"), layers.Downsample2x(dtype="float64")
    np.testing.assert_allclose(np.sum(up(small) * large), 4 * np.sum(small * down(large)))


def test_refusals():
    for kind in (layers.Upsample2x, layers.Downsample2x):
        with pytest.raises(InputError, match="fixed shape"):
            kind()(keras.Input((None, 4, 1)))
        with pytest.raises(InputError, match=r"\[n, h, w, c\]"):
            kind()(np.zeros((2, 4, 4), np.float32))


@pytest.mark.parametrize("channels", [1, 3])
def test_onnx(tmp_path, channels):
    images = keras.Input((6, 7, channels))
    x = layers.Upsample2x()(images)
    model = keras.Model(images, [x, layers.Downsample2x()(x)])
    model.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    converted, _ = tf2onnx.convert.from_function(
        tf.function(model, autograph=False),
        input_signature=[tf.TensorSpec((None, 6, 7, channels), tf.float32, "images")],
        opset=18,
    )
    session = onnxruntime.InferenceSession(converted.SerializeToString())
    for n in (1, 4):
        x = numbers((n, 6, 7, channels)).astype(np.float32)
        found = session.run(None, {"images": x})
        expected = [upsampled(x), downsampled(upsampled(x))]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
