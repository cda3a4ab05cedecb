"""Layers that look at several rows: values, gradients, replicas."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from small import MODES, modes, numbers

import keras_gan
from keras_gan import InputError, layers, networks, regularizers
from keras_gan.core.batches import DiscriminatorOutput


def expected_std(x, group):
    """The additional component of each row, `[n]`, in float64."""
    x = x.astype(np.float64).reshape(-1, group, *x.shape[1:])
    deviations = np.sqrt(x.var(axis=1) + 1e-8)
    return deviations.mean(axis=tuple(range(1, deviations.ndim))).repeat(group)


@modes
@pytest.mark.parametrize("shape", [(12, 3, 2, 5), (8, 6)])
@pytest.mark.parametrize("group", [2, 4, None])
def test_minibatch_std(shape, group, mode):
    layer, x = layers.MinibatchStd(group), numbers(shape)
    feature_gradient = numbers(shape[0], seed=1)

    @MODES[mode]
    def call(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            feature = tf.reshape(y[..., -1], [shape[0], -1])[:, 0]
            total = tf.reduce_sum(feature * feature_gradient)
        return y, tape.gradient(total, x)

    y, gradient = (value.numpy() for value in call(tf.constant(x)))
    rows = group or shape[0]
    assert y.shape == layer.compute_output_shape(shape) == (*shape[:-1], shape[-1] + 1)
    np.testing.assert_array_equal(y[..., :-1], x)
    feature = expected_std(x, rows).reshape(-1, *[1] * (len(shape) - 1))
    np.testing.assert_allclose(y[..., -1:], np.broadcast_to(feature, y[..., -1:].shape), rtol=1e-5)
    # d/dx_r of the mean of the deviations s is (x_r - mean) / (s rows components).
    groups = x.astype(np.float64).reshape(-1, rows, *shape[1:])
    centered = groups - groups.mean(1, keepdims=True)
    deviation = np.sqrt(groups.var(1, keepdims=True) + 1e-8)
    weight = feature_gradient.reshape(-1, rows).sum(1).reshape(-1, *[1] * len(shape))
    expected = weight * centered / deviation / rows / np.prod(shape[1:])
    np.testing.assert_allclose(gradient, expected.reshape(shape), rtol=1e-4, atol=1e-6)


def test_minibatch_std_of_equal_rows():
    layer, x = layers.MinibatchStd(4, dtype="mixed_float16"), np.full((4, 3), 300.0, np.float32)
    y = layer(x, training=True)
    assert y.dtype == tf.float16  # in which the square 90,000 is infinite
    np.testing.assert_allclose(y[:, -1], 1e-4, rtol=1e-3)


@modes
def test_minibatch_std_outside_training(mode):
    """Groups as in training where the rows divide; else one group of all rows."""
    layer = layers.MinibatchStd(4)
    for rows, group in ((8, 4), (6, 6), (3, 3), (1, 1)):
        x = numbers((rows, 5))
        y = MODES[mode](layer)(tf.constant(x))
        np.testing.assert_allclose(y[:, -1], expected_std(x, group), rtol=1e-5)
    model = keras.Sequential([keras.Input((5,)), layer])  # which does not know its rows
    np.testing.assert_allclose(
        model.predict(numbers((6, 5)), verbose=0)[:, -1],
        expected_std(numbers((6, 5)), 6),
        rtol=1e-5,
    )


@modes
def test_pack_and_unpack(mode):
    x = numbers((6, 2, 3, 4))
    packed = MODES[mode](layers.Pack(3))(tf.constant(x))
    expected = np.stack([np.concatenate(list(x[i : i + 3]), axis=-1) for i in (0, 3)])
    np.testing.assert_array_equal(packed, expected)
    assert layers.Pack(3).compute_output_shape((None, 2, 3, 4)) == (None, 2, 3, 12)
    vectors = MODES[mode](layers.Pack(2))(tf.constant(x[:, 0, 0]))
    np.testing.assert_array_equal(vectors, x[:, 0, 0].reshape(3, 8))
    logits = MODES[mode](layers.Unpack(3))(tf.constant([[1.0], [2.0]]))
    np.testing.assert_array_equal(logits, [[1.0]] * 3 + [[2.0]] * 3)


def packed_discriminator(size=2):
    inner = small.network_pair(dropout=False, size=6 * size)[1]
    return keras.Sequential([keras.Input((6,)), layers.Pack(size), inner, layers.Unpack(size)])


def judging_groups(group=4, **how):
    inner = small.network_pair(dropout=False, size=7)[1]
    return keras.Sequential([keras.Input((6,)), layers.MinibatchStd(group, **how), inner])


DISCRIMINATORS = {
    "pack": packed_discriminator,
    "groups": judging_groups,
    "whole": lambda: judging_groups(None),
    "penalized": lambda: judging_groups(group_gradients=True),
}


def gan(name, **how):
    model = keras_gan.GAN(
        small.network_pair(dropout=False)[0], DISCRIMINATORS[name](), keras_gan.priors.Uniform(5)
    )
    if name == "penalized":
        how["regularizers"] = [regularizers.R1(0.5, every=2), regularizers.R2(0.5, every=2)]
    model.compile(*(keras_gan.optimizers.MomentumSGD(0.1, 0.5) for _ in range(2)), **how)
    return model


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_two_replicas_equal_one_device(name, two_devices):
    results = []
    strategy = small.devices()
    # Eagerly: a few steps take less time than to make a graph of one.
    for scope, eagerly in ((tf.distribute.get_strategy().scope(), True), (strategy.scope(), False)):
        with scope:
            model = gan(name, run_eagerly=eagerly)
        history = model.fit(small.examples(64), batch_size=16, verbose=0).history
        results.append((small.weights(model), history["d_loss"], history["g_loss"]))
    (one, *losses), (two, *other_losses) = results
    assert small.largest_difference(one, two) < 1e-5
    np.testing.assert_allclose(losses, other_losses, atol=1e-6)
    untrained = gan(name)
    assert small.largest_difference(one, small.weights(untrained)) > 1e-3


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_saved_and_loaded(name, tmp_path):
    model = DISCRIMINATORS[name]()
    loaded = small.reloaded(model, tmp_path)
    x = small.examples(8)
    np.testing.assert_array_equal(model(x), loaded(x))
    assert any(getattr(layer, "mixes_rows", False) for layer in loaded.layers)


def test_a_packed_discriminator_of_images():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Pack(2),
            networks.dcgan_discriminator((8, 8, 6), width=2),
            layers.Unpack(2),
        ]
    )
    x = numbers((4, 8, 8, 3))
    logits = model(x).numpy()
    assert logits.shape == (4, 1)
    assert logits[0] == logits[1] != logits[2] == logits[3]
    by_hand = model.layers[1](np.concatenate([x[::2], x[1::2]], axis=-1))
    np.testing.assert_allclose(logits[::2], by_hand, rtol=1e-6)


def test_input_gradients_of_groups():
    """They are those of the sum of a group's logits: here by central differences."""
    critic = judging_groups(2, group_gradients=True)
    x, h = numbers((6, 6)), 1e-2
    [output] = regularizers.with_input_gradients(
        lambda x: [DiscriminatorOutput(critic(x, training=True)[:, 0])], tf.constant(x)
    )
    expected = np.zeros_like(x)
    for row, column in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[row, column] = h
        difference = (critic(x + step, training=True) - critic(x - step, training=True)).numpy()
        of_groups = difference.reshape(3, 2).sum(1) / (2 * h)
        assert np.count_nonzero(of_groups) == 1
        expected[row, column] = of_groups[row // 2]
    np.testing.assert_allclose(output.input_gradients, expected, rtol=1e-2, atol=1e-3)
    apart = [
        regularizers.with_input_gradients(
            lambda x: [DiscriminatorOutput(critic(x)[:, 0])], tf.constant(x[[i, i]])
        )[0].input_gradients[0]
        for i in range(6)
    ]
    assert np.max(np.abs(output.input_gradients - np.stack(apart))) > 1e-2  # the group counts


def test_penalties_that_groups_do_not_allow():
    for penalty, allowed in [
        (regularizers.R1(), True),
        (regularizers.R2(), True),
        (regularizers.WGANGP(), False),
        (regularizers.DRAGAN(), False),
        (regularizers.MaxGradient(), False),
    ]:
        for name in ("penalized", "groups", "pack"):
            model = keras_gan.GAN(
                small.network_pair(dropout=False)[0],
                DISCRIMINATORS[name](),
                keras_gan.priors.Uniform(5),
            )
            if allowed and name == "penalized":
                model.compile("sgd", "sgd", regularizers=[penalty])
                continue
            with pytest.raises(InputError, match="takes the gradient of each example, but layer"):
                model.compile("sgd", "sgd", regularizers=[penalty])
    with pytest.raises(InputError, match="`group_gradients` needs groups"):
        layers.MinibatchStd(None, group_gradients=True)


def test_refusals():
    for kind in (layers.Pack, layers.Unpack):
        for size in (1, 2.0, True):
            with pytest.raises(InputError, match="`size` must be an int >= 2"):
                kind(size)
    with pytest.raises(InputError, match="`group` must be an int >= 2"):
        layers.MinibatchStd(1)
    x = numbers((6, 5))
    with pytest.raises(InputError, match=r"multiple of 4. Received: 6 rows"):
        layers.Pack(4)(x)
    with pytest.raises(InputError, match=r"multiple of 4. Received: 6 rows"):
        layers.MinibatchStd(4)(x, training=True)
    with pytest.raises(InputError, match=r"multiple of 2. Received: 7 rows"):
        gan("pack").fit(small.examples(21), batch_size=7, verbose=0)
