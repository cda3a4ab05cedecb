"""Spectral normalization against NumPy's singular values."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from small import numbers

from keras_gan import InputError
from keras_gan.core.randomness import Purpose, RowDraws, StepDraws, drawing_from
from keras_gan.layers import SpectralNorm

MODES = {
    "eager": lambda function: function,
    "graph": lambda function: tf.function(function, autograph=False),
    "xla": lambda function: tf.function(function, autograph=False, jit_compile=True),
}


def initializer():
    return keras.initializers.RandomNormal(stddev=0.7, seed=1)


KINDS = {
    "dense": lambda **kw: keras.layers.Dense(5, kernel_initializer=initializer(), **kw),
    "conv": lambda **kw: keras.layers.Conv2D(5, 3, kernel_initializer=initializer(), **kw),
    "transposed": lambda **kw: keras.layers.Conv2DTranspose(
        5, 3, 2, kernel_initializer=initializer(), **kw
    ),
    "embedding": lambda **kw: keras.layers.Embedding(7, 5, initializer(), **kw),
}
INPUTS = {
    "dense": numbers((4, 6)),
    "conv": numbers((4, 5, 6, 3)),
    "transposed": numbers((4, 5, 6, 3)),
    "embedding": np.array([0, 3, 3, 6]),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def made(kind, converged=True, **kwargs):
    layer = SpectralNorm(KINDS[kind](**kwargs))
    layer.build(INPUTS[kind].shape)
    for _ in range(50 if converged else 0):
        layer.after_update()
    return layer


def decomposed(kind, kernel):
    """The largest singular value, and its outer product v u^T in the kernel's shape."""
    matrix = np.asarray(kernel, np.float64)
    if kind == "transposed":
        matrix = np.moveaxis(matrix, 2, 3)
    v, s, u = np.linalg.svd(matrix.reshape(-1, matrix.shape[-1]), full_matrices=False)
    outer = np.outer(v[:, 0], u[0]).reshape(matrix.shape)
    return s[0], np.moveaxis(outer, 3, 2) if kind == "transposed" else outer


@kinds
def test_sigma_is_the_largest_singular_value(kind):
    norm = decomposed(kind, made(kind).kernel)[0]
    assert float(made(kind).sigma()) == pytest.approx(norm, rel=1e-5)
    assert float(made(kind, converged=False).sigma()) == pytest.approx(norm, rel=0.03)


@kinds
@pytest.mark.parametrize("mode", MODES)
def test_output_and_gradient_are_those_of_the_normalized_kernel(kind, mode):
    layer, plain, x = made(kind), KINDS[kind](), tf.constant(INPUTS[kind])
    plain.build(x.shape)
    norm, outer = decomposed(kind, layer.kernel)
    before = layer.kernel.numpy()
    plain.trainable_variables[0].assign(before / norm)

    def both(function, weight):
        with tf.GradientTape() as tape:
            y = function(x)
            loss = tf.reduce_sum(y * tf.constant(numbers(y.shape, seed=2)))
        return y, tape.gradient(loss, weight)

    y, gradient = MODES[mode](lambda: both(layer, layer.kernel.value))()
    expected, upstream = both(plain, plain.trainable_variables[0].value)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    # d(W / sigma) = dW / sigma - W (v^T dW u) / sigma^2
    upstream = tf.convert_to_tensor(upstream).numpy().astype(np.float64)
    expected = upstream / norm - np.sum(upstream * before) / norm**2 * outer
    np.testing.assert_allclose(tf.convert_to_tensor(gradient), expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(layer.kernel, before)


def test_only_an_update_or_training_outside_a_gan_moves_u():
    layer, x = made("dense", converged=False), INPUTS["dense"]
    matrix, start = layer.kernel.numpy().astype(np.float64), layer.u.numpy()

    def iterated(u):
        product = matrix.T @ (matrix @ u)
        return product / np.linalg.norm(product)

    layer(x)
    with drawing_from(StepDraws(0, 0, 0, Purpose.GENERATOR, 0, 4)):
        for _ in range(2):
            layer(x, training=True)
    np.testing.assert_array_equal(layer.u, start)
    layer.after_update()
    np.testing.assert_allclose(layer.u, iterated(start), rtol=1e-5)
    y = layer(x, training=True)
    u = iterated(iterated(start))
    np.testing.assert_allclose(layer.u, u, rtol=1e-5)
    np.testing.assert_allclose(y, x @ matrix / np.linalg.norm(matrix @ u), rtol=1e-4, atol=1e-6)
    with drawing_from(RowDraws(np.arange(4))):  # in a loop of one's own
        layer(x, training=True)
    np.testing.assert_allclose(layer.u, iterated(u), rtol=1e-5)


def test_a_stateless_call_has_the_weights_that_it_is_given():
    model = keras.Sequential([keras.Input((6,)), SpectralNorm(keras.layers.Dense(5))])
    x, (kernel, bias) = INPUTS["dense"], model.trainable_variables
    state = [model.layers[0].u.value]
    y, _ = model.stateless_call([kernel.value, bias.value + 2], state, x)
    np.testing.assert_allclose(y, model(x) + 2, rtol=1e-5)
    y, _ = model.stateless_call([3 * kernel.value, bias.value], state, x)
    np.testing.assert_allclose(y, model(x), rtol=1e-5, atol=1e-6)


@kinds
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_saved_and_loaded_under_any_policy(kind, policy, tmp_path):
    x = INPUTS[kind]
    inputs = keras.Input(x.shape[1:], dtype=x.dtype.name)
    layer = SpectralNorm(KINDS[kind](dtype=policy))
    model = keras.Model(inputs, layer(inputs))
    layer.kernel.assign(2 * layer.kernel + 0.1)
    layer.after_update()
    loaded = small.reloaded(model, tmp_path)
    np.testing.assert_array_equal(loaded.layers[-1].u, layer.u)
    y = model(x)
    np.testing.assert_array_equal(tf.cast(loaded(x), tf.float32), tf.cast(y, tf.float32))
    assert y.dtype.name == model.output.dtype == policy.removeprefix("mixed_")
    assert layer.kernel.dtype == layer.sigma().dtype == "float32"
    expected = KINDS[kind]()
    expected.build(x.shape)
    expected.trainable_variables[0].assign(layer.kernel / layer.sigma())
    np.testing.assert_allclose(tf.cast(y, tf.float32), expected(x), atol=0.05)


def test_its_dtype_is_that_of_the_layer_inside():
    config = made("dense").get_config()
    for layer in (
        SpectralNorm.from_config({**config, "dtype": "float16"}),
        SpectralNorm(KINDS["dense"](), dtype="float16"),
    ):
        assert layer(INPUTS["dense"]).dtype == layer.kernel.dtype == "float16"
        assert layer.u.dtype == layer.sigma().dtype == "float32"


def test_two_replicas_equal_one_device():
    x = numbers((4, 6))
    strategy = small.devices()
    found = []
    for scope, parts in ((tf.distribute.get_strategy(), 1), (strategy, 2)):
        with scope.scope():
            layer = made("dense", converged=False)
            optimizer = keras.optimizers.SGD(0.1)
            optimizer.build(layer.trainable_variables)

        @tf.function(autograph=False)
        def step(layer=layer, optimizer=optimizer, parts=parts):
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            rows = tf.reshape(tf.constant(x), [parts, 4 // parts, 6])[replica]
            with drawing_from(StepDraws(0, 0, 0, Purpose.GENERATOR, 0, 4)):
                with tf.GradientTape() as tape:
                    loss = tf.reduce_sum(layer(rows, training=True) ** 2)
                optimizer.apply(
                    tape.gradient(loss, layer.trainable_variables), layer.trainable_variables
                )
            layer.after_update()

        for _ in range(3):
            scope.run(step)
        found.append([np.array(w) for w in layer.get_weights()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_kernel_of_zeros_stays_finite():
    layer = SpectralNorm(keras.layers.Dense(3, kernel_initializer="zeros"))
    assert np.abs(layer(numbers((2, 4)), training=True)).max() == 0
    layer.kernel.assign(np.ones((4, 3)))
    layer.after_update()
    assert float(layer.sigma()) == pytest.approx(12**0.5)


def test_other_layers_are_refused():
    with pytest.raises(InputError, match=r"Dense, Conv2D.*Received: <LayerNormalization"):
        SpectralNorm(keras.layers.LayerNormalization())
    with pytest.raises(InputError, match="activity_regularizer"):
        SpectralNorm(keras.layers.Dense(3, activity_regularizer="l2"))
