"""Two replicas with half the batch each are one device with the whole batch."""

from __future__ import annotations

import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
import keras_gan.randomness
from keras_gan import InputError


def two_devices():
    # In-process reduction: TensorFlow's collectives cannot change their group size within a
    # process.
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


def train(strategy, dropout=False, data="arrays", **arguments):
    with strategy.scope():
        model = small.gan(dropout=dropout, averaging=0.9, **arguments)
    k, m = model.discriminator_steps, 8
    x = small.examples(5 * k * m + 3)
    if data == "arrays":
        history = model.fit(x, batch_size=m, verbose=0).history
    else:
        labelled = tf.data.Dataset.from_tensor_slices((x, np.arange(len(x)))).batch(m)
        history = model.fit(labelled, verbose=0).history
    assert int(model.step.numpy()) == 5
    # Batches of 11, 11 and 1 divide unevenly among two replicas.
    values = model.evaluate(x[:23], batch_size=11, verbose=0, return_dict=True)
    return [np.array(w) for w in model.get_weights()], history, values, model.left_over


def assert_same(one, other):
    assert small.largest_difference(one[0], other[0]) < 1e-5
    for name, values in one[1].items():
        np.testing.assert_allclose(values, other[1][name], atol=1e-5, err_msg=name)
    for name, value in one[2].items():
        np.testing.assert_allclose(value, other[2][name], atol=1e-5, err_msg=name)
    assert one[3] == other[3]


CASES = [
    ({"update": "alternating", "discriminator_steps": 1}, {}),
    ({"update": "alternating", "discriminator_steps": 3}, {"dropout": True}),
    ({"update": "simultaneous", "discriminator_steps": 1}, {"dropout": True, "data": "tf.data"}),
    ({"update": "simultaneous", "discriminator_steps": 3}, {}),
]


@pytest.mark.parametrize(("arguments", "how"), CASES)
def test_two_replicas_equal_one_device(arguments, how):
    one = train(tf.distribute.get_strategy(), **arguments, **how)
    assert_same(one, train(two_devices(), **arguments, **how))
    assert_same(one, train(two_devices(), steps_per_execution=2, **arguments, **how))


def test_xla_on_two_replicas_compiles_their_gradients():
    arguments = {"update": "alternating", "discriminator_steps": 2, "dropout": True}
    one = train(tf.distribute.get_strategy(), **arguments)
    assert_same(one, train(two_devices(), jit_compile=True, **arguments))


def test_replicas_draw_different_noise():
    strategy = two_devices()
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
    with two_devices().scope():
        model = small.gan()
    with pytest.raises(InputError, match="a minibatch of 7 does not divide among 2 replicas"):
        model.fit(small.examples(), batch_size=7, verbose=0)
    with pytest.raises(InputError, match="`train_on_batch` takes one replica"):
        model.train_on_batch(small.examples(8))
