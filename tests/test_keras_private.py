"""What `keras_private` says of Keras's private attributes is still true of this Keras."""

from __future__ import annotations

import gc

import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from tensorflow.python.distribute import multi_worker_util
from tensorflow.python.eager import context
from tensorflow.python.framework.func_graph import FuncGraph

from keras_gan.core import keras_private


class Wrapper(keras.Model):
    """A subclassed model with a layer inside of a layer."""

    def __init__(self):
        super().__init__()
        self.outer = keras.layers.TimeDistributed(keras.layers.Dense(2, name="inner"))

    def call(self, x):
        return self.outer(x)


def test_all_layers_include_those_of_layers_and_of_subclassed_models():
    network = keras.Sequential([keras.Input((3, 4)), Wrapper(), keras.layers.ReLU(name="top")])
    layers = keras_private.all_layers(network)
    assert layers[0] is network
    kinds = {type(layer).__name__ for layer in layers}
    assert kinds >= {"Sequential", "Wrapper", "TimeDistributed", "Dense", "ReLU"}
    assert len(layers) == len(set(map(id, layers)))


def test_draws_without_a_seed_are_noted():
    with keras_private.noting_unseeded_draws() as unseeded:
        keras.random.normal((2,), seed=1)
        assert not unseeded.used
        keras.random.normal((2,))
        assert unseeded.used
    first, second = (keras.random.normal((2,)).numpy() for _ in range(2))
    assert (first != second).all()


def test_the_last_operation_of_a_functional_model_and_of_a_subclassed_one():
    x = keras.Input((4,))
    layer = keras.layers.Dense(1)
    assert keras_private.last_operation(layer(x)) is layer
    last = keras_private.last_operation(keras.ops.sigmoid(layer(x)))
    assert isinstance(last, keras.Operation)
    assert type(last).__name__ == "Sigmoid"
    assert keras_private.last_operation(tf.zeros(3)) is None
    nested = keras.Sequential([x, keras.Sequential([x, layer]), keras.layers.Reshape(())])
    assert keras_private.last_operation(nested(x)) is layer


def test_keras_plans_an_epoch_by_a_distributed_data_set_s_cardinality():
    strategy = small.devices()
    data = strategy.experimental_distribute_dataset(
        tf.data.Dataset.from_generator(
            lambda: iter([[0.0]] * 5), output_signature=tf.TensorSpec([1], tf.float32)
        ).batch(2)
    )
    keras_private.set_cardinality(data, 3)
    assert int(data.cardinality) == 3


def graphs() -> int:
    gc.collect()
    return sum(isinstance(one, FuncGraph) for one in gc.get_objects())


@pytest.mark.parametrize("replicas", [1, 2])
def test_graphs_of_a_trained_model_are_freed(replicas):
    def train():
        with small.devices(replicas).scope():
            gan = small.gan()
            gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
        gan.fit(np.zeros((4, 6), "float32"), batch_size=4, verbose=0)
        gan.evaluate(np.zeros((4, 6), "float32"), batch_size=4, verbose=0)

    before = graphs()
    train()
    assert graphs() == before


def test_custom_gradients_of_others_stay():
    @tf.function
    @tf.custom_gradient
    def cubed(x):
        return x**3, lambda gradient: gradient * 3 * x**2

    @tf.function
    def step(x):
        return cubed(x)

    with keras_private.freeing_graphs():
        assert step(tf.constant(2.0)) == 8
    with tf.GradientTape() as tape:
        x = tf.constant(2.0)
        tape.watch(x)
        y = cubed(x)
    assert tape.gradient(y, x) == 12


def test_the_limits_of_waiting_reach_tensorflow(monkeypatch):
    now = context.context()
    monkeypatch.setattr(now, "_coordination_service_config", None)
    monkeypatch.setattr(now, "_context_handle", None)  # as before TensorFlow starts
    jobs = {"chief": 1, "worker": 2}
    keras_private.limit_waiting(jobs, connecting=1.5, silent=2.5)
    config = now.coordination_service
    leader = multi_worker_util.coordination_leader({"chief": ["a:1"], "worker": ["b:1", "c:1"]})
    assert config.service_leader == leader
    assert config.cluster_register_timeout_in_ms == 1500
    assert config.heartbeat_timeout_in_ms == 2500
    assert {job.name: job.num_tasks for job in config.coordinated_job_list} == jobs
