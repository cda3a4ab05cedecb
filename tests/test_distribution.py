"""Several replicas with a share of the batch each are one device with the whole batch.

Replicas in one process and in two; by `fit` and by the command.
"""

from __future__ import annotations

import contextlib
import functools
import io
from pathlib import Path

import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from commands import in_two_workers, last_line

import keras_gan.core.randomness
import keras_gan.train
from keras_gan import InputError
from keras_gan.experiment.run import Run


def devices(n):
    # In-process reduction: TensorFlow's collectives cannot change their group size within a
    # process.
    return tf.distribute.MirroredStrategy(
        [f"CPU:{i}" for i in range(n)], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


MAKE = {
    "plain": functools.partial(small.gan, dropout=False, ema=0.9),
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
    return [np.array(w) for w in model.get_weights()], history, values, model.dropped_examples


@functools.cache
def alone(*case):
    """What one device makes of a case, given as its items."""
    return train(tf.distribute.get_strategy(), **dict(case))


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
    {"kind": "completion", "update": "alternating", "loss": "inpainting"},
]


@pytest.mark.parametrize(
    "case", [*CASES, *OTHERS, {"discriminator_steps": 3, "dropout": True}], ids=str
)
def test_two_replicas_equal_one_device(case):
    assert_equal(alone(*case.items()), train(devices(2), **case), tolerance_of(case))


# Dropout with k > 1, a user's own batches, and a loss on means over the global minibatch.
@pytest.mark.parametrize("case", [CASES[1], CASES[2], CASES[7]], ids=str)
def test_four_replicas_and_several_steps_a_call_equal_one_device(case):
    assert_equal(alone(*case.items()), train(devices(4), steps_per_execution=2, **case))


def test_xla_on_two_replicas_compiles_their_gradients():
    case = CASES[1]
    assert_equal(alone(*case.items()), train(devices(2), jit_compile=True, **case))


# The command on the digits, and how near to one device two processes must come.
SETTINGS = ["--epochs", "2", "--discriminator-steps", "2", "--likelihood-samples", "50"]
TOLERANCES = {"float32": 1e-5, "mixed_bfloat16": 1e-2}


def command(path, *arguments):
    return keras_gan.train.main([*SETTINGS, "--run-dir", str(path), *arguments])


def assert_same(one: Run, two: Run, tolerance=TOLERANCES["float32"]) -> None:
    difference = small.largest_difference(small.weights(one.gan()), small.weights(two.gan()))
    assert difference < tolerance
    for name, values in one.metrics().items():
        if not name.startswith("val_"):
            np.testing.assert_allclose(two.metrics()[name], values, atol=tolerance, err_msg=name)


def worker(strategy):
    """One of two processes: `fit` in all cases; then the command, which ends well and is refused.

    Returns what `fit` found, the command's exit codes, and what it said when it was refused.
    """
    found = [train(strategy, **case) for case in CASES]
    on_both = ["--strategy", "multi_worker"]
    codes = [command(name, "--precision", name, *on_both) for name in TOLERANCES]
    if strategy.cluster_resolver.task_id == 0:  # what the chief has; the other sees no such folder
        Path("taken").mkdir()
        Path("taken", "precious.txt").write_text("")
    with contextlib.redirect_stderr(io.StringIO()) as said:
        codes.append(command("taken", *on_both))
    return found, codes, said.getvalue()


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    """The folder of two processes, one for each in it, and what `worker` returned there."""
    folder = tmp_path_factory.mktemp("workers")
    return folder, in_two_workers("test_distribution", folder)


def test_fit_on_two_processes_equals_one_device(two_workers):
    _, both = two_workers
    for found, *_ in both:
        for case, numbers in zip(CASES, found, strict=True):
            assert_equal(alone(*case.items()), numbers, tolerance_of(case))


@pytest.mark.parametrize("precision", TOLERANCES)
def test_the_command_on_two_processes_equals_one_device(two_workers, tmp_path, precision):
    folder, _ = two_workers
    assert command(tmp_path / "one", "--precision", precision) == 0
    two = Run.open(folder / "0" / precision)
    assert two.config["sessions"][0]["replicas"] == 2
    assert_same(Run.open(tmp_path / "one"), two, TOLERANCES[precision])


def test_what_the_chief_refuses_every_worker_says(two_workers):
    _, both = two_workers
    for _, codes, said in both:
        assert codes == [0, 0, 2]
        assert last_line(said).startswith("train: error: taken exists and is not a run directory")


def test_replicas_draw_different_noise():
    strategy = devices(2)
    with strategy.scope():
        model = small.gan()
    seen = []

    def draw():
        context = tf.distribute.get_replica_context()
        draws = keras_gan.core.randomness.StepDraws(
            0,
            0,
            0,
            keras_gan.core.randomness.Purpose.LATENTS,
            context.replica_id_in_sync_group * 4,
            4,
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
