"""MomentumSGD and Adam against Keras's own SGD and against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

from keras_gan import InputError, optimizers
from keras_gan.optimizers import schedules

SHAPES = [(5, 4), (4,), (2, 3, 1, 2)]


def variables(constraint=None):
    rng = np.random.default_rng(0)
    found = [keras.Variable(rng.normal(size=shape).astype(np.float32)) for shape in SHAPES]
    for variable in found:
        variable.constraint = constraint
    return found


def gradients(step):
    rng = np.random.default_rng(step + 1)
    return [tf.constant(rng.normal(size=shape), tf.float32) for shape in SHAPES]


def trained(optimizer, steps=6, jit_compile=None, constraint=None):
    """What `steps` updates leave of the variables; eager, or in a graph if `jit_compile` is set."""
    weights = variables(constraint)
    optimizer.build(weights)

    def update(found):
        optimizer.apply(found, weights)

    if jit_compile is not None:
        update = tf.function(update, jit_compile=jit_compile, autograph=False)
    for step in range(steps):
        update(gradients(step))
    return [weight.numpy() for weight in weights]


def assert_equal(one, other, rtol=1e-6, atol=1e-6):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


@pytest.mark.parametrize("jit_compile", [None, False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99])
def test_equals_sgd_of_keras(momentum, jit_compile):
    ours = trained(optimizers.MomentumSGD(0.1, momentum), jit_compile=jit_compile)
    assert_equal(ours, trained(keras.optimizers.SGD(0.1, momentum)))


@pytest.mark.parametrize(
    "options",
    [
        {"clipvalue": 0.3},
        {"clipnorm": 0.5},
        {"global_clipnorm": 0.5},
        {"weight_decay": 0.1},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 4},
        {"gradient_accumulation_steps": 3},
        {"loss_scale_factor": 8.0},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_of_keras_work_as_there(options):
    ours = trained(optimizers.MomentumSGD(0.1, 0.5, **options))
    assert_equal(ours, trained(keras.optimizers.SGD(0.1, 0.5, **options)))
    plain = trained(optimizers.MomentumSGD(0.1, 0.5))
    assert max(np.abs(a - b).max() for a, b in zip(ours, plain, strict=True)) > 1e-3


@pytest.mark.parametrize("jit_compile", [None, True])
def test_constraints_hold_after_each_update(jit_compile):
    constraint = keras.constraints.MaxNorm(0.7)
    ours = trained(optimizers.MomentumSGD(0.5, 0.5), jit_compile=jit_compile, constraint=constraint)
    reference = trained(keras.optimizers.SGD(0.5, 0.5), constraint=constraint)
    assert_equal(ours, reference)
    norms = np.linalg.norm(ours[0], axis=0)
    np.testing.assert_allclose(norms, 0.7, rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [None, False, True])
def test_schedules_follow_the_updates(jit_compile):
    rate = schedules.GeometricDecay(0.2, divisor=1.3, floor=0.05)
    ramp = schedules.EpochRamp(0.1, 0.9, start=1, end=3, updates_per_epoch=2)
    ours = trained(optimizers.MomentumSGD(rate, ramp), steps=9, jit_compile=jit_compile)
    expected = [weight.numpy().astype(np.float64) for weight in variables()]
    velocities = [np.zeros(shape) for shape in SHAPES]
    for step in range(9):
        lr = max(0.2 / 1.3**step, 0.05)
        momentum = 0.1 + 0.8 * np.clip((step // 2 - 1) / 2, 0, 1)
        for i, gradient in enumerate(gradients(step)):
            velocities[i] = momentum * velocities[i] - lr * gradient.numpy().astype(np.float64)
            expected[i] += velocities[i]
    assert_equal(ours, expected, rtol=3e-6)


@pytest.mark.parametrize("scheduled", [False, True])
def test_two_replicas_sum_their_gradients(scheduled):
    momentum = schedules.EpochRamp(0.1, 0.9, 0, 2, 2) if scheduled else 0.5
    strategy = small.devices()
    with strategy.scope():
        weights = variables()
        optimizer = optimizers.MomentumSGD(0.1, momentum)
        optimizer.build(weights)

    @tf.function(autograph=False)
    def step(found):
        def on_replica():
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            share = tf.where(replica == 0, 0.25, 0.75)
            optimizer.apply([share * gradient for gradient in found], weights)

        strategy.run(on_replica)

    for i in range(5):
        step(gradients(i))
    reference = trained(optimizers.MomentumSGD(0.1, momentum), steps=5)
    for weight, expected in zip(weights, reference, strict=True):
        for copy in strategy.experimental_local_results(weight.value):
            np.testing.assert_allclose(copy, expected, rtol=1e-6, atol=1e-6)
    assert optimizer.iterations.numpy() == 5


def test_gradients_of_an_embedding():
    """They come as slices; a row met twice moves by both."""
    results = []
    for optimizer in (optimizers.MomentumSGD(0.1, 0.5), keras.optimizers.SGD(0.1, 0.5)):
        layer = keras.layers.Embedding(5, 3, keras.initializers.RandomNormal(seed=0))
        layer.build((None,))
        optimizer.build(layer.trainable_variables)
        for _ in range(3):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(layer(tf.constant([1, 1, 3])) ** 2)
            found = tape.gradient(loss, layer.trainable_variables)
            assert isinstance(found[0], tf.IndexedSlices)
            optimizer.apply(found, layer.trainable_variables)
        results.append(layer.get_weights())
    assert_equal(*results)


def test_state_and_settings_come_back():
    def make():
        ramp = schedules.EpochRamp(0.1, 0.9, 0, 4, 2)
        return optimizers.MomentumSGD(schedules.GeometricDecay(0.1, 1.1), ramp, clipvalue=0.5)

    whole = trained(make(), steps=6)
    first = make()
    weights = [keras.Variable(weight) for weight in trained(first, steps=3)]
    state = {}
    first.save_own_variables(state)

    second = keras.optimizers.deserialize(keras.optimizers.serialize(first))
    assert type(second) is optimizers.MomentumSGD
    assert second.get_config() == first.get_config()
    second.build(weights)
    second.load_own_variables(state)
    for step in range(3, 6):
        second.apply(gradients(step), weights)
    assert_equal([weight.numpy() for weight in weights], whole, rtol=0, atol=0)


def test_momentum_is_a_number_below_one_or_a_schedule():
    assert optimizers.MomentumSGD(0.1, 0).get_config()["momentum"] == 0
    for momentum in (-0.1, 1, 1.5, np.nan, None, "0.5", lambda step: 0.5):
        with pytest.raises(InputError, match="momentum"):
            optimizers.MomentumSGD(0.1, momentum)


@pytest.mark.parametrize("jit_compile", [None, False, True])
@pytest.mark.parametrize("betas", [(0.0, 0.99), (0.5, 0.999)])
def test_adam_equals_that_of_keras(betas, jit_compile):
    ours = trained(optimizers.Adam(0.1, *betas, epsilon=1e-7), jit_compile=jit_compile)
    assert_equal(ours, trained(keras.optimizers.Adam(0.1, *betas)), rtol=1e-5, atol=1e-5)


def test_beta_2_follows_the_images():
    optimizer = optimizers.Adam(0.1, beta_2=schedules.Cosine(0.9, 0.99, images=4))
    weights, images = variables(), tf.Variable(0, dtype=tf.int64)
    reference = [weight.numpy().astype(np.float64) for weight in weights]
    optimizer.build(weights)
    squares = [np.zeros(shape) for shape in SHAPES]
    for step in range(6):
        found = gradients(step)
        with schedules.counting_images(images):
            optimizer.apply(found, weights)
        beta = 0.9 + 0.09 * (1 - np.cos(np.pi * min(step / 4, 1))) / 2
        for weight, square, gradient in zip(reference, squares, found, strict=True):
            square += (1 - beta) * (gradient.numpy().astype(np.float64) ** 2 - square)
            mean_square = square / (1 - beta ** (step + 1))
            weight -= 0.1 * gradient.numpy() / (np.sqrt(mean_square) + 1e-8)
        images.assign_add(1)
    assert_equal([weight.numpy() for weight in weights], reference, rtol=1e-4, atol=1e-4)
    copy = optimizers.Adam.from_config(optimizer.get_config())
    assert isinstance(copy.beta_2, schedules.Cosine)
    with pytest.raises(InputError, match="beta_2"):
        optimizers.Adam(0.1, beta_2=1.0)
