"""Several replicas with a share of the batch each are one device with the whole batch."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
import keras_gan.randomness
from keras_gan import InputError


def devices(n):
    # In-process reduction: TensorFlow's collectives cannot change their group size within a
    # process.
    return tf.distribute.MirroredStrategy(
        [f"CPU:{i}" for i in range(n)], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


MAKE = {
    "plain": functools.partial(small.gan, dropout=False, averaging=0.9),
    "conditional": small.conditional_gan,
    "semi_supervised": small.semi_supervised_gan,
    "inference": small.inference_gan,
    "completion": functools.partial(small.completing_gan, (3, 2, 1)),
}


def train(strategy, kind="plain", data="arrays", policy="float32", **arguments):
    """20 steps of minibatches of 64; weights, metrics, a measurement and what was left over."""
    keras.config.set_dtype_policy(policy)
    try:
        with strategy.scope():
            model = MAKE[kind](**arguments)
    finally:
        keras.config.set_dtype_policy("float32")
    k, m = model.discriminator_steps, 64
    x = small.examples(10 * k * m + 3).reshape(-1, *model.example_shape)
    y = np.arange(len(x)) % small.CLASSES if kind == "conditional" else np.arange(len(x)) % 4 - 1
    if data == "labelled":
        labelled = tf.data.Dataset.from_tensor_slices((x, y)).batch(m)
        history = model.fit(labelled, epochs=2, verbose=0).history
    else:
        labels = y if kind == "conditional" else None
        history = model.fit(x, labels, batch_size=m, epochs=2, verbose=0).history
    assert int(model.step.numpy()) == 20
    # Batches of 11, 11 and 1 divide unevenly among replicas.
    values = model.evaluate(x[:23], y[:23], batch_size=11, verbose=0, return_dict=True)
    return [np.array(w) for w in model.get_weights()], history, values, model.left_over


def tolerance_of(case):
    return 1e-2 if "policy" in case else 1e-5


def assert_equal(one, other, tolerance=1e-5):
    assert small.largest_difference(one[0], other[0]) < tolerance
    for name, values in one[1].items():
        np.testing.assert_allclose(values, other[1][name], atol=tolerance, err_msg=name)
    for name, value in one[2].items():
        np.testing.assert_allclose(value, other[2][name], atol=tolerance, err_msg=name)
    assert one[3] == other[3]


CASES = [
    {"update": "alternating", "discriminator_steps": 1},
    {"update": "alternating", "discriminator_steps": 2, "dropout": True},
    {"update": "simultaneous", "discriminator_steps": 1, "dropout": True, "data": "labelled"},
    {"update": "simultaneous", "discriminator_steps": 2},
    {"update": "simultaneous", "discriminator_steps": 2, "policy": "mixed_bfloat16"},
    {"update": "alternating", "classes": 3, "loss": "feature_matching"},
    {"update": "alternating", "discriminator_steps": 2, "loss": "held_back"},
    {"update": "simultaneous", "loss": "held_back", "dropout": True},
    {"update": "simultaneous", "classes": 3, "loss": "semi_supervised", "data": "labelled"},
    {"kind": "conditional", "update": "simultaneous", "data": "labelled"},
]
OTHERS = [
    {"kind": "semi_supervised", "data": "labelled"},
    {"kind": "conditional", "training": "drawn", "discriminator_steps": 2},
    {"kind": "inference", "discriminator_steps": 2},
    {"kind": "inference", "update": "fixed"},
    {"kind": "completion", "update": "simultaneous", "discriminator_steps": 2},
    {"kind": "completion", "update": "alternating", "loss": "completing"},
]


@pytest.mark.parametrize("case", [*CASES, {"discriminator_steps": 3, "dropout": True}], ids=str)
def test_two_and_four_replicas_equal_one_device(case):
    one, tolerance = train(tf.distribute.get_strategy(), **case), tolerance_of(case)
    assert_equal(one, train(devices(2), **case), tolerance)
    assert_equal(one, train(devices(4), steps_per_execution=2, **case), tolerance)


@pytest.mark.parametrize("case", OTHERS, ids=str)
def test_conditions_and_companions_on_two_replicas(case):
    assert_equal(train(tf.distribute.get_strategy(), **case), train(devices(2), **case))


def test_xla_on_two_replicas_compiles_their_gradients():
    case = {"update": "alternating", "discriminator_steps": 2, "dropout": True}
    assert_equal(
        train(tf.distribute.get_strategy(), **case), train(devices(2), jit_compile=True, **case)
    )


def test_replicas_draw_different_noise():
    strategy = devices(2)
    with strategy.scope():
        model = small.gan()
    seen = []

    def draw():
        context = tf.distribute.get_replica_context()
        draws = keras_gan.randomness.StepDraws(
            0, 0, 0, keras_gan.randomness.Purpose.LATENTS, context.replica_id_in_sync_group * 4, 4
        )
        return model.prior.draw(draws)

    seen = [value.numpy() for value in strategy.experimental_local_results(strategy.run(draw))]
    assert not np.isclose(seen[0], seen[1]).any()


def test_what_cannot_be_divided_is_refused():
    with devices(2).scope():
        model, completing = small.gan(), small.completing_gan()
    with pytest.raises(InputError, match="a minibatch of 7 does not divide among 2 replicas"):
        model.fit(small.examples(), batch_size=7, verbose=0)
    images = np.zeros((12, 6, 4, 1), np.float32)
    with pytest.raises(InputError, match="2 replicas in groups of 2; use a multiple of 4"):
        completing.fit(images, batch_size=6, verbose=0)
    with pytest.raises(InputError, match="`train_on_batch` takes one replica"):
        model.train_on_batch(small.examples(8))
