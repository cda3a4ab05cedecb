"""The train step of each recipe as XLA gets it: what a TPU would need, shown without one.

Shapes are static, nothing of a step runs on the host, and XLA compiles it (for this CPU).
"""

from __future__ import annotations

import re

import pytest
import small
import tensorflow as tf

from keras_gan import recipes
from keras_gan.optimizers.schedules import counting_images
from keras_gan.training import loop


@pytest.fixture(scope="module")
def stage1(tmp_path_factory):
    return small.first_stage(tmp_path_factory.mktemp("stage1"))


def lowering(name, **changes):
    """From a stage of XLA's compiler to the train step in it."""
    gan, arguments, settings, _ = small.of_recipe(name, **changes)
    gan.compile(**arguments)

    @tf.function(jit_compile=True, autograph=False)
    def step(x):
        with loop.one_step(), counting_images(gan.images_seen.value):
            return gan.train_step(x)

    rows = settings.discriminator_steps * settings.batch_size
    batch = tf.zeros((rows, *gan.example_shape))
    if gan.loss.uses_labels or (gan.condition is not None and gan.condition.uses_labels):
        batch = (batch, tf.zeros(rows, tf.int64))
    return step.experimental_get_compiler_ir(batch)


def assert_static_and_on_the_device(hlo):
    assert hlo.startswith("HloModule")
    assert re.search(r"\bdot\(", hlo)
    assert not re.search(r"\w+\[[^\]]*<=", hlo)  # a dimension known by its bound alone
    assert "set-dimension-size" not in hlo
    assert not re.search(r"\b(infeed|outfeed|send|recv)(-done)?\(", hlo)
    assert not re.search(r'custom_call_target="[^"]*(?i:host|callback|python)', hlo)


COMPILED = ("mnist", "cifar10_conv")
# How a step divides its minibatches does not depend on the size of the networks, so that the
# digits' recipes stand for the others.
SMALL = [name for name in recipes.NAMES if name.startswith("digits") or name == "ring"]
FAST = {*SMALL, *COMPILED, "tfd_stage2", "mnist_semi_supervised", "mnist_r3gan", "ring_r3gan"}
CASES = [(name, 1) for name in recipes.NAMES] + [(name, 3) for name in SMALL]


@pytest.mark.parametrize(
    ("name", "k"),
    [pytest.param(name, k, marks=[] if name in FAST else pytest.mark.slow) for name, k in CASES],
)
def test_every_recipe_lowers_with_static_shapes_and_without_the_host(name, k, stage1):
    changes = {"stage1": stage1} if name == "tfd_stage2" else {}
    step = lowering(name, discriminator_steps=k, jit_compile=True, **changes)
    assert_static_and_on_the_device(step(stage="hlo"))
    if name in COMPILED:
        assert_static_and_on_the_device(step(stage="optimized_hlo"))


def test_dynamic_shapes_would_be_seen():
    @tf.function(jit_compile=True)
    def positive(x):
        return tf.where(x > 0)

    hlo = positive.experimental_get_compiler_ir(tf.zeros(8))(stage="hlo") + " dot("
    with pytest.raises(AssertionError):
        assert_static_and_on_the_device(hlo)
