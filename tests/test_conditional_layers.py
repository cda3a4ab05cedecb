"""Layers of conditional networks and self-attention against NumPy in float64."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import scipy.special
import small
import tensorflow as tf
from small import MODES, modes, numbers

from keras_gan import InputError, layers
from keras_gan.core.keras_private import all_layers

ORTHOGONAL = keras.initializers.Orthogonal(seed=3)
MAPS, CONDITION = (4, 3, 2, 6), (4, 5)


def float64(variable):
    return np.asarray(variable, np.float64)


def normalized(kernel):
    kernel = float64(kernel)
    return kernel / np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), 2)


def converged(layer):
    for part in all_layers(layer):
        for _ in range(100 if isinstance(part, layers.SpectralNorm) else 0):
            part.after_update()
    return layer


# ------------------------------------------------------ ConditionalBatchNormalization


def batch_norm(**kwargs):
    layer = layers.ConditionalBatchNormalization(**kwargs)
    layer.build(MAPS, CONDITION)
    return converged(layer)


def modulated(x, mean, variance, y, scale, offset):
    gain, bias = (1 + y @ scale)[:, None, None], (y @ offset)[:, None, None]
    return (x - mean) / np.sqrt(variance + 1e-4) * gain + bias


def test_kernels_start_at_zero_unless_they_are_normalized():
    assert not np.any(batch_norm().scale.kernel)
    kernel = float64(batch_norm(spectral_norm=True).scale.kernel)
    np.testing.assert_allclose(np.linalg.svd(kernel, compute_uv=False), 1, rtol=1e-5)


@modes
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_batch_normalization_is_modulated_by_the_condition(mode, spectral_norm):
    layer = batch_norm(spectral_norm=spectral_norm, kernel_initializer=ORTHOGONAL)
    x, y = numbers(MAPS) + 3, numbers(CONDITION, seed=1)
    kernels = [float64(layer.scale.kernel), float64(layer.offset.kernel)]
    assert np.abs(kernels[0] - kernels[1]).max() > 0.1
    if spectral_norm:
        layer.scale.kernel.assign(3 * kernels[0])  # its norm does not matter
        kernels = [normalized(kernel) for kernel in kernels]
    mean, variance = float64(x).mean((0, 1, 2)), float64(x).var((0, 1, 2))
    found = MODES[mode](lambda: layer(x, y, training=True))()
    np.testing.assert_allclose(found, modulated(x, mean, variance, y, *kernels), atol=2e-4)
    mean, variance = 0.1 * mean, 0.9 + 0.1 * variance
    np.testing.assert_allclose(layer.normalization.moving_mean, mean, rtol=1e-4)
    np.testing.assert_allclose(layer.normalization.moving_variance, variance, rtol=1e-4)
    found = MODES[mode](lambda: layer(x, y))()
    np.testing.assert_allclose(found, modulated(x, mean, variance, y, *kernels), atol=2e-4)


def test_batch_normalization_starts_without_a_condition():
    x, y = numbers(MAPS), numbers(CONDITION)
    plain = keras.layers.BatchNormalization(epsilon=1e-4)
    found = batch_norm()(x, y, training=True)
    np.testing.assert_allclose(found, plain(x, training=True), atol=1e-5)


def test_batch_normalization_on_two_replicas_equals_one_device():
    x, y = numbers(MAPS) * [[[[1]]], [[[2]]], [[[3]]], [[[4]]]] + 1, numbers(CONDITION)
    strategy = small.devices()
    layer = batch_norm(kernel_initializer=ORTHOGONAL)
    with strategy.scope():
        shared = batch_norm(kernel_initializer=ORTHOGONAL)

    @tf.function(autograph=False)
    def half():
        first = 2 * tf.distribute.get_replica_context().replica_id_in_sync_group
        rows = (tf.constant(a, tf.float32)[first : first + 2] for a in (x, y))
        return shared(*rows, training=True)

    halves = strategy.experimental_local_results(strategy.run(half))
    np.testing.assert_allclose(np.concatenate(halves), layer(x, y, training=True), atol=1e-5)
    for one, other in zip(layer.get_weights(), shared.get_weights(), strict=True):
        np.testing.assert_allclose(one, np.array(other), atol=1e-5)


# ------------------------------------------------------------------------- Projection


@modes
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_projection(mode, spectral_norm):
    layer = layers.Projection(spectral_norm)
    layer.build((4, 6), (4, 3))
    converged(layer)
    layer.trainable_variables[1].assign([0.7])
    h, classes = numbers((4, 6)), np.array([0, 2, 2, 1])
    w, e = layer.linear.kernel, layer.embedding.kernel
    w, e = (normalized(k) if spectral_norm else float64(k) for k in (w, e))
    expected = h @ w[:, 0] + 0.7 + np.sum(e[classes] * h, axis=1)
    found = MODES[mode](lambda: layer(h, layers.OneHot(3)(classes)))()
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_classes_need_one_hot_vectors():
    with pytest.raises(InputError, match=r"Projection must be float vectors.*OneHot.*\(4,\)"):
        layers.Projection()(numbers((4, 6)), np.array([0, 2, 2, 1]))
    with pytest.raises(InputError, match="ConditionalBatchNormalization must be float vectors"):
        layers.ConditionalBatchNormalization().build(MAPS, (4,))


# ---------------------------------------------------------------------- SelfAttention


@modes
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_self_attention(mode, spectral_norm):
    x = numbers((2, 4, 6, 16))
    layer = layers.SelfAttention(spectral_norm, keras.initializers.RandomNormal(stddev=0.5, seed=1))
    layer.build(x.shape)
    converged(layer)
    np.testing.assert_array_equal(MODES[mode](lambda: layer(x))(), x)
    layer.scale.assign(0.7)
    parts = (layer.theta, layer.phi, layer.g, layer.o)
    theta, phi, g, o = (
        (normalized(part.kernel) if spectral_norm else float64(part.kernel))[0, 0] for part in parts
    )
    assert theta.shape == phi.shape == (16, 2)
    assert (g.shape, o.shape) == ((16, 8), (8, 16))
    assert np.abs(theta - phi).max() > 0.1

    def pooled(y):  # of windows of 2x2
        return y.reshape(2, 2, 2, 3, 2, -1).max((2, 4)).reshape(2, 6, -1)

    scores = (x @ theta).reshape(2, 24, -1) @ pooled(x @ phi).transpose(0, 2, 1)
    attended = scipy.special.softmax(scores, axis=-1) @ pooled(x @ g)
    expected = x + 0.7 * (attended.reshape(2, 4, 6, 8) @ o)
    np.testing.assert_allclose(MODES[mode](lambda: layer(x))(), expected, atol=1e-4)


@pytest.mark.parametrize(
    "initializer",
    [
        "he_normal",
        keras.initializers.HeNormal(seed=keras.random.SeedGenerator(0)),
        lambda shape, dtype: keras.random.normal(shape, dtype=dtype),
    ],
)
def test_any_initializer_gives_each_kernel_numbers_of_its_own(initializer):
    layer = layers.SelfAttention(kernel_initializer=initializer)
    layer.build((None, 4, 4, 8))
    assert np.abs(float64(layer.theta.kernel) - float64(layer.phi.kernel)).max() > 0.01


@pytest.mark.parametrize("shape", [(None, 1, 8, 4), (None, 4)])
def test_attention_takes_images_that_can_be_pooled(shape):
    with small.refused("both sides at least 2"):
        layers.SelfAttention().build(shape)


# ---------------------------------------------------------------------------- Columns


def test_columns():
    x = numbers((3, 7))
    np.testing.assert_array_equal(layers.Columns(2, 5)(x), x[:, 2:5])
    for start, stop in ((3, 3), (-1, 2)):
        with pytest.raises(InputError, match="`start` < `stop`"):
            layers.Columns(start, stop)
    with pytest.raises(InputError, match=r"at least `stop`=8.*\(3, 7\)"):
        layers.Columns(6, 8)(x)


# ------------------------------------------------------------------------------- all


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_saved_and_loaded_under_any_policy(policy, tmp_path):
    def model(policy):
        images, condition = keras.Input((4, 6, 8)), keras.Input((5,))
        options = {"spectral_norm": True, "kernel_initializer": ORTHOGONAL, "dtype": policy}
        x = layers.ConditionalBatchNormalization(**options)(images, condition)
        attention = layers.SelfAttention(**options)
        x = keras.layers.GlobalAveragePooling2D(dtype=policy)(attention(x))
        attention.scale.assign(0.5)
        return keras.Model([images, condition], layers.Projection(**options)(x, condition))

    inputs = [numbers((3, 4, 6, 8)), numbers((3, 5))]
    one = model(policy)
    y = one(inputs)
    assert y.dtype.name == one.output.dtype == policy.removeprefix("mixed_")
    expected = model("float32")(inputs)
    np.testing.assert_allclose(tf.cast(y, tf.float32), expected, rtol=0.02, atol=0.05)
    loaded = small.reloaded(one, tmp_path)
    np.testing.assert_array_equal(tf.cast(loaded(inputs), tf.float32), tf.cast(y, tf.float32))
    for layer, other in zip(one.layers, loaded.layers, strict=True):
        assert layer.get_config() == other.get_config()
