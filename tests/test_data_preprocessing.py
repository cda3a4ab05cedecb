"""Preprocessing against NumPy references: both ways, in graphs, under XLA, at its edges."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

from keras_gan.core.errors import InputError
from keras_gan.data import GlobalContrastNormalization, Identity, UnitRange
from keras_gan.data.preprocessing import fit, from_config

RNG = np.random.default_rng(7)
IMAGES = RNG.integers(0, 256, (50, 6, 5, 3), dtype=np.uint8)


def contrast_normalized(images: np.ndarray) -> np.ndarray:
    """The released definition: minus the image's mean, over its norm / 55, in double precision."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    return (flat / (np.sqrt((flat**2).sum(axis=1, keepdims=True)) / 55)).reshape(images.shape)


def test_unit_range_divides_bytes_and_leaves_floats():
    every_byte = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    unit = UnitRange().normalize(every_byte)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(unit.ravel(), np.arange(256) / 255, rtol=1e-7)
    np.testing.assert_array_equal(UnitRange().normalize(unit), unit)
    np.testing.assert_array_equal(UnitRange().denormalize(unit), unit)


@pytest.mark.parametrize("name", ["unit_range", "symmetric_range", "global_contrast"])
def test_what_a_generator_gives_beyond_the_range_is_clipped(name):
    far = np.array([[-1e3, 1e3, 0]], np.float32)
    unit = fit(name, IMAGES).denormalize(far)
    np.testing.assert_array_equal(unit[0, :2], [0, 1])
    assert 0 <= unit[0, 2] <= 1


@pytest.mark.parametrize("shape", [(4, 1), (4, 2), (4, 3, 5), (4, 2, 2, 2, 2)])
def test_identity_keeps_points_of_any_rank(shape):
    points = RNG.normal(0, 100, shape)
    assert Identity().normalize(points).dtype == np.float32
    np.testing.assert_array_equal(Identity().normalize(points), points.astype(np.float32))
    np.testing.assert_array_equal(Identity().denormalize(points), points.astype(np.float32))


def test_contrast_normalization_follows_its_definition():
    normalized = fit("global_contrast", IMAGES).normalize(IMAGES)
    assert normalized.dtype == np.float32
    np.testing.assert_allclose(normalized, contrast_normalized(IMAGES), atol=2e-5)
    norms = np.linalg.norm(normalized.reshape(50, -1), axis=1)
    np.testing.assert_allclose(norms, 55, rtol=1e-6)
    np.testing.assert_allclose(normalized.reshape(50, -1).mean(axis=1), 0, atol=1e-5)


def test_contrast_normalization_sees_the_same_image_on_either_scale():
    gcn = fit("global_contrast", IMAGES)
    floats = IMAGES.astype(np.float32) / 255
    np.testing.assert_allclose(gcn.normalize(floats), gcn.normalize(IMAGES), atol=2e-5)
    on_floats = fit("global_contrast", floats)
    np.testing.assert_allclose(
        [on_floats.gain, on_floats.offset], [gcn.gain, gcn.offset], rtol=1e-6
    )


def test_a_constant_image_becomes_zero_and_the_faintest_contrast_is_normalized():
    images = np.full((3, 32, 32, 3), 77, np.uint8)
    images[1, 4, 4, 1] = 78
    images[2] = 255
    normalized = GlobalContrastNormalization(gain=0.2, offset=0.5).normalize(images)
    np.testing.assert_array_equal(normalized[[0, 2]], 0)
    np.testing.assert_allclose(normalized[1], contrast_normalized(images[1:2])[0], atol=5e-3)


@pytest.mark.parametrize("contrast", [0.0, 1e-7, 1e-3, 1.0])
def test_the_gradient_of_contrast_normalization_is_finite(contrast):
    images = tf.constant(0.5 + contrast * (RNG.random((2, 4, 4, 1)) - 0.5), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        normalized = GlobalContrastNormalization(gain=0.2, offset=0.5).normalize(images)
        score = tf.reduce_sum(
            normalized * tf.range(16, dtype=tf.float32)[None, :, None, None][:, :4]
        )
    assert np.isfinite(tape.gradient(score, images)).all()


def test_the_way_back_is_the_best_affine_map():
    gcn = fit("global_contrast", IMAGES)
    normalized = contrast_normalized(IMAGES).ravel()
    design = np.stack([normalized, np.ones_like(normalized)], axis=1)
    best, *_ = np.linalg.lstsq(design, IMAGES.ravel() / 255, rcond=None)
    np.testing.assert_allclose([gcn.gain, gcn.offset], best, rtol=1e-6)


def test_the_way_back_is_clipped_and_keeps_mean_and_contrast():
    smooth = RNG.normal(120, 20, (200, 8, 8, 1)).clip(0, 255).astype(np.uint8)
    gcn = fit("global_contrast", smooth)
    back = gcn.denormalize(gcn.normalize(smooth))
    np.testing.assert_allclose(back.mean(), smooth.mean() / 255, rtol=1e-4)
    np.testing.assert_allclose(
        back.reshape(200, -1).std(axis=1),
        np.mean(smooth.reshape(200, -1).std(axis=1)) / 255,
        rtol=1e-3,
    )
    extremes = gcn.denormalize(np.array([[-1e30, 1e30, 0]], np.float32))
    np.testing.assert_allclose(extremes, [[0, 1, gcn.offset]], rtol=1e-6)


def test_contrast_normalization_needs_contrast():
    with pytest.raises(InputError, match="every image is constant"):
        fit("global_contrast", np.full((5, 4, 4, 1), 9, np.uint8))


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    "preprocessing", [UnitRange(), GlobalContrastNormalization(gain=0.21, offset=0.47)]
)
def test_graphs_and_arrays_agree(preprocessing, jit_compile):
    @tf.function(jit_compile=jit_compile)
    def normalize(x):
        return preprocessing.normalize(x)

    @tf.function(jit_compile=jit_compile)
    def denormalize(x):
        return preprocessing.denormalize(x)

    expected = preprocessing.normalize(IMAGES)
    np.testing.assert_allclose(normalize(tf.constant(IMAGES)), expected, atol=2e-5)
    floats = tf.constant(IMAGES / 255, tf.float32)
    np.testing.assert_allclose(normalize(floats), expected, atol=2e-5)
    unit = denormalize(tf.constant(expected))
    assert unit.dtype == tf.float32
    np.testing.assert_allclose(unit, preprocessing.denormalize(expected), atol=1e-6)
    half = denormalize(tf.cast(expected, tf.bfloat16))
    assert half.dtype == tf.float32
    np.testing.assert_allclose(half, unit, atol=5e-3)


def test_arrays_longer_than_a_block_are_mapped_whole():
    many = RNG.integers(0, 256, (4096 + 5, 2, 2, 1), dtype=np.uint8)
    gcn = fit("global_contrast", many)
    rows = [0, 4095, 4096, 4100]
    np.testing.assert_array_equal(gcn.normalize(many)[rows], gcn.normalize(many[rows]))
    np.testing.assert_allclose(gcn.offset, many.mean() / 255, rtol=1e-6)


@pytest.mark.parametrize("name", ["unit_range", "identity", "global_contrast"])
def test_a_configuration_rebuilds_the_preprocessing(name):
    points = IMAGES.astype(np.float32) / 255
    made = fit(name, points)
    rebuilt = from_config(json.loads(json.dumps(made.get_config())))
    assert type(rebuilt) is type(made)
    assert rebuilt.get_config() == made.get_config()
    np.testing.assert_array_equal(rebuilt.normalize(points), made.normalize(points))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "whitening"}, "must be one of .*'whitening'"),
        ({}, "must be one of .*None"),
        ({"name": "unit_range", "gain": 1.0}, "'unit_range' takes other constants"),
        ({"name": "global_contrast"}, "'global_contrast' takes other constants"),
    ],
)
def test_a_wrong_configuration_is_refused(config, message):
    with pytest.raises(InputError, match=message):
        from_config(config)


def test_wrong_types_are_refused():
    with pytest.raises(InputError, match=r"uint8 0\.\.255 or floats\. Received: int64"):
        UnitRange().normalize(np.zeros((2, 3, 3, 1), np.int64))
    with pytest.raises(InputError, match="need preprocessing 'unit_range'"):
        Identity().normalize(IMAGES)
