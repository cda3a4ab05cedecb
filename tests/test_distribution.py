"""Several replicas with a share of the batch each are one device with the whole batch.

Replicas in one process and in two; by `fit` and by the command.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from commands import in_two_workers, last_line

import keras_gan.train
from keras_gan import InputError, layers
from keras_gan.core.errors import Interrupted, SurroundingsError
from keras_gan.core.randomness import Purpose, StepDraws
from keras_gan.experiment import distribution, job
from keras_gan.experiment.run import Run
from keras_gan.experiment.workers import Workers

MAKE = {
    "plain": functools.partial(small.gan, dropout=False, ema=0.9),
    "conditional": small.conditional_gan,
    "semi_supervised": small.semi_supervised_gan,
    "inference": small.inference_gan,
    "inpainting": functools.partial(small.inpainting_gan, (3, 2, 1)),
}


def train(strategy, kind="plain", data="arrays", policy="float32", **arguments):
    """20 steps of minibatches of 64: weights, history, an evaluation, dropped examples."""
    with small.policy(policy), strategy.scope():
        model = MAKE[kind](**arguments)
    k, m = model.discriminator_steps, 64
    x = small.examples(10 * k * m + 3).reshape(-1, *model.example_shape)
    y = np.arange(len(x)) % small.CLASSES if kind == "conditional" else np.arange(len(x)) % 4 - 1
    if data == "labelled":
        labelled = tf.data.Dataset.from_tensor_slices((x, y)).batch(m)
        history = model.fit(labelled, epochs=2, verbose=0).history
    else:
        labels = y if kind == "conditional" else None
        history = model.fit(x, labels, batch_size=m, epochs=2, verbose=0).history
    assert int(model.current_step.numpy()) == 20
    # Batches of 11, 11 and 1 divide unevenly among replicas. The inpainting loss takes pairs.
    n, batch_size = (20, 12) if arguments.get("loss") == "inpainting" else (23, 11)
    values = model.evaluate(x[:n], y[:n], batch_size=batch_size, verbose=0, return_dict=True)
    return [np.array(w) for w in model.get_weights()], history, values, model.dropped_examples


@functools.cache
def on_one_device(*case):
    """The same on one device; `case` holds the items of the arguments."""
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
    {"kind": "inpainting", "update": "simultaneous", "discriminator_steps": 2},
    {"kind": "inpainting", "update": "alternating", "loss": "inpainting"},
]


# What the two processes below cover as well is slow here.
SLOW = [pytest.param(case, marks=pytest.mark.slow) for case in (*CASES[3:6], *CASES[8:])]
IN_PROCESS = [*CASES[:3], *CASES[6:8], *SLOW, *OTHERS, {"discriminator_steps": 3, "dropout": True}]


@pytest.mark.parametrize("case", IN_PROCESS, ids=str)
def test_two_replicas_equal_one_device(case):
    assert_equal(on_one_device(*case.items()), train(small.devices(2), **case), tolerance_of(case))


# Dropout with k > 1, a user's own batches, and a loss on means over the global minibatch.
@pytest.mark.parametrize("case", [CASES[1], CASES[2], CASES[7]], ids=str)
def test_four_replicas_and_several_steps_a_call_equal_one_device(case):
    assert_equal(
        on_one_device(*case.items()), train(small.devices(4), steps_per_execution=2, **case)
    )


def test_xla_on_two_replicas_is_refused():
    with small.devices(2).scope(), pytest.raises(InputError, match="jit_compile"):
        small.gan(jit_compile=True)


def test_what_replicas_would_mix_up_is_refused():
    with small.devices(2).scope():
        model = small.gan(dropout=False)
        dense = keras.layers.Dense(6, activity_regularizer="l2")
        norm = keras.layers.BatchNormalization(synchronized=True)
        generator = keras.Sequential([keras.Input((5,)), dense, norm])
        mixing = keras_gan.GAN(generator, model.discriminator, model.prior)
        mixing.compile("sgd", "sgd")
        with small.refused("DRAGAN with every=2 .* use every=1"):
            mixing.compile("sgd", "sgd", regularizers=[keras_gan.regularizers.DRAGAN(every=2)])
        images, deviation = keras.Input((6,)), layers.MinibatchStd(None)
        judge = keras.Model(images, keras.layers.Dense(1)(deviation(images)))
        again = keras_gan.regularizers.Consistency(keras.layers.Identity(), every=2)
        with small.refused("Consistency with every=2 .* use every=1"):
            keras_gan.GAN(model.generator, judge, model.prior).compile(
                "sgd", "sgd", regularizers=[again]
            )
    with small.refused("losses that layers of 'sequential.*' add, .* leave out one of the two"):
        mixing.fit(small.examples(16), batch_size=8, verbose=0)


# The command on the digits, and the tolerances of two processes against one device.
SETTINGS = ["--recipe", "digits", "--epochs", "2", "--discriminator-steps", "2"]
SETTINGS += ["--likelihood-samples", "50"]
TOLERANCES = {"float32": 1e-5, "mixed_bfloat16": 1e-2}


def command(path, *arguments):
    return keras_gan.train.main([*SETTINGS, "--run-dir", str(path), *arguments])


def assert_same(one: Run, two: Run, tolerance: float = TOLERANCES["float32"]) -> None:
    difference = small.largest_difference(small.weights(one.gan()), small.weights(two.gan()))
    assert difference < tolerance
    for name, values in one.metrics().items():
        if not name.startswith("val_"):
            np.testing.assert_allclose(two.metrics()[name], values, atol=tolerance, err_msg=name)


# What the two workers are given, and what both must say.
UNLIKE = [
    (["--seed"], ("0", "1"), "--seed is 0 on worker 0 (127.0.0.1:"),
    (["--generator-learning-rate"], ("0.1", "0.2"), "--generator-learning-rate is 0.1 on worker 0"),
    (["--steps-per-execution"], ("1", "2"), "--steps-per-execution is 1 on worker 0"),
    (["--epochs"], ("3", "2"), "--epochs is 3 on worker 0"),
    (["--recipe"], ("digits", "digits_conditional"), "the recipe is 'digits' on worker 0"),
    (
        ["--recipe", "own_data", "--dataset"],
        ("./points.npy",) * 2,
        "the fingerprint of the data is ",
    ),
    (
        ["--recipe", "own_data", "--dataset"],
        ("./one.npy",) * 2,
        "there is no file or folder one.npy",
    ),
]
LONG = "\N{SNOWMAN}" * 5000  # three bytes each


def refusals(index):
    """The exit codes and messages of calls that differ between the workers."""
    np.save("points.npy", np.random.default_rng(index).normal(size=(500, 2)).astype(np.float32))
    if index == 0:
        np.save("one.npy", np.zeros((500, 2), np.float32) + np.arange(500)[:, None])
    found = []
    for arguments, values, _ in UNLIKE:
        arguments = ["--recipe", "digits", *arguments, values[index]]
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            code = keras_gan.train.main([*arguments, "--strategy", "multi_worker"])
        found.append((code, errors.getvalue()))
    return found


def worker(strategy):
    """One of two processes: all cases of `fit`; then the command, which succeeds and is refused.

    Returns the numbers of `fit`, the command's exit codes, its message when it was refused, what
    `refusals` returns, the texts of both workers, and whether worker 1 came before this one left.
    """
    index = strategy.cluster_resolver.task_id
    numbers = [train(strategy, **case) for case in CASES]
    on_both = ["--strategy", "multi_worker"]
    codes = [command(name, "--precision", name, *on_both) for name in TOLERANCES]
    if index == 0:  # on the chief alone
        Path("taken").mkdir()
        Path("taken", "precious.txt").write_text("")
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        codes.append(command("taken", *on_both))
    workers = Workers(strategy)
    texts = workers.gather(f"{LONG}{index}" if index else "")
    refused = refusals(index)
    with workers.parting():
        if index:
            time.sleep(1)
            Path("here").touch()
    came = Path("../1/here").exists()
    return numbers, codes, errors.getvalue(), refused, texts, came


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    """The folder with the processes' folders, and what `worker` returned in each of the two."""
    folder = tmp_path_factory.mktemp("workers")
    return folder, in_two_workers("test_distribution", folder)


def test_fit_on_two_processes_equals_one_device(two_workers):
    _, both = two_workers
    for numbers, *_ in both:
        for case, result in zip(CASES, numbers, strict=True):
            assert_equal(on_one_device(*case.items()), result, tolerance_of(case))


@pytest.mark.parametrize("precision", TOLERANCES)
def test_the_command_on_two_processes_equals_one_device(two_workers, tmp_path, precision):
    folder, _ = two_workers
    assert command(tmp_path / "one", "--precision", precision) == 0
    two = Run.open(folder / "0" / precision)
    assert two.config["sessions"][0]["replicas"] == 2
    assert_same(Run.open(tmp_path / "one"), two, TOLERANCES[precision])


def test_every_worker_reports_what_the_chief_refuses(two_workers):
    _, both = two_workers
    for _, codes, message, *_ in both:
        assert codes == [0, 0, 2]
        assert "taken" in last_line(message)


def test_workers_that_differ_are_refused_before_the_first_step(two_workers):
    _, both = two_workers
    for _, _, _, refused, *_ in both:
        for (code, message), (*_, words) in zip(refused, UNLIKE, strict=True):
            assert code == 2, message
            assert words in message
            assert message.count("\n") == 1


def shared(values):
    """The values where TensorFlow shares their memory: in an aligned array."""
    memory = np.empty(values.size + 16, np.float32)
    start = -memory.ctypes.data % 64 // 4
    array = memory[start : start + values.size].reshape(values.shape)
    array[...] = values
    return array


def test_arrays_of_a_generator_are_not_written_into():
    x = shared(small.examples(16 * 8).reshape(16, 8, 6))
    before = x.copy()
    batches = tf.data.Dataset.from_generator(
        lambda: iter(x), output_signature=tf.TensorSpec((None, 6), tf.float32)
    )
    with small.devices().scope():
        gan = small.gan()
    gan.fit(batches, verbose=0)
    np.testing.assert_array_equal(x, before)


def test_vectors_of_a_generator_are_not_written_into():
    x, y = shared(small.examples(16 * 8).reshape(16, 8, 6)), shared(np.ones((16, 8, 4)))
    signature = tuple(tf.TensorSpec((None, n), tf.float32) for n in (6, 4))
    batches = tf.data.Dataset.from_generator(
        lambda: zip(x, y, strict=True), output_signature=signature
    )
    with small.devices().scope():
        networks = []
        for given, taken, made in (("latents", 5, 6), ("examples", 6, 1)):
            first = keras.Input((taken,), name=given)
            given_vectors = keras.Input((4,), name="condition")
            noisy = keras_gan.layers.GaussianNoise(1.0)(given_vectors)
            out = keras.layers.Dense(made)(keras.layers.Concatenate()([first, noisy]))
            networks.append(keras.Model([first, given_vectors], out))
        vectors = keras_gan.conditioning.Vectors([4])
        gan = keras_gan.GAN(*networks, keras_gan.priors.Uniform(5), condition=vectors)
        gan.compile("sgd", "sgd")
    gan.fit(batches, verbose=0)
    assert (y == 1).all()


METRIC = """
import keras
from keras_gan.recipes import digits
from keras_gan.recipes.digits import Settings


class Margin(keras.metrics.Mean):
    __module__ = "mine"

    def update_state(self, real, fake):
        super().update_state(real.logits)


def build(settings, data):
    gan, arguments = digits.build(settings, data)
    return gan, {**arguments, "metrics": [Margin("margin")]}
"""


def test_metrics_of_a_recipe_on_several_workers_are_refused(monkeypatch, tmp_path, capsys):
    class Several(Workers):
        def __init__(self, strategy):
            super().__init__(strategy)
            self.alone = False

    monkeypatch.setattr(job, "Workers", Several)
    (tmp_path / "mine.py").write_text(METRIC)
    arguments = ["--recipe", str(tmp_path / "mine.py"), "--run-dir", str(tmp_path / "run")]
    assert keras_gan.train.main([*arguments, "--epochs", "0"]) == 2
    assert "'margin', cannot be saved on several workers" in last_line(capsys.readouterr().err)
    assert not (tmp_path / "run").exists()


def test_workers_send_texts_of_any_length(two_workers):
    _, both = two_workers
    for *_, texts, _ in both:
        assert texts == ["", f"{LONG}1"]


def test_no_worker_leaves_before_all_have_come(two_workers):
    _, both = two_workers
    assert all(came for *_, came in both)


def test_what_is_lost_while_all_workers_part_is_no_fault(monkeypatch):
    def gone(self, flag):
        raise tf.errors.UnavailableError(None, None, "Collective ops is aborted")

    monkeypatch.setattr(Workers, "any", gone)
    workers = Workers(tf.distribute.get_strategy())
    with workers.parting():
        pass
    with pytest.raises(Interrupted, match="saved"), workers.parting():
        raise Interrupted("saved")


def test_a_worker_that_failed_alone_does_not_wait_for_the_others(monkeypatch):
    monkeypatch.setattr(Workers, "any", lambda self, flag: pytest.fail("it waits"))
    workers = Workers(tf.distribute.get_strategy())
    for error in (SurroundingsError("the disk is full"), InputError("no such file")):
        with pytest.raises(type(error)), workers.parting():
            raise error


@pytest.mark.parametrize(
    ("cores", "gpus", "user", "expected"),
    [
        (1, 0, None, None),
        (2, 0, None, "1"),
        (4, 0, None, None),
        (2, 1, None, None),
        (2, 0, "2", "2"),
    ],
)
def test_threads_of_an_operation(monkeypatch, cores, gpus, user, expected):
    name = "TF_NUM_INTRAOP_THREADS"
    monkeypatch.delenv(name, raising=False)
    if user:
        monkeypatch.setenv(name, user)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: ["GPU"] * gpus)
    distribution.set_threads()
    assert os.environ.get(name) == expected


def test_replicas_draw_different_noise():
    strategy = small.devices(2)
    with strategy.scope():
        model = small.gan()

    def draw():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return model.prior.draw(StepDraws(0, 0, 0, Purpose.LATENTS, replica * 4, 4))

    one, other = strategy.experimental_local_results(strategy.run(draw))
    assert not np.isclose(one, other).any()


def test_what_cannot_be_divided_is_refused():
    with small.devices(2).scope():
        model, inpainting = small.gan(), small.inpainting_gan()
    with pytest.raises(InputError, match="minibatch of 7"):
        model.fit(small.examples(), batch_size=7, verbose=0)
    images = np.zeros((12, 6, 4, 1), np.float32)
    with pytest.raises(InputError, match="multiple of 4"):
        inpainting.fit(images, batch_size=6, verbose=0)
    with pytest.raises(InputError, match="train_on_batch"):
        model.train_on_batch(small.examples(8))
