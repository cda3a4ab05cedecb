"""Several processes through the command: equal to one device, and what happens when one ends."""

from __future__ import annotations

import signal

import commands
import numpy as np
import pytest
import small
import tensorflow as tf
from commands import clusters, finish, in_two_workers, last_line, wait_for
from test_distribution import CASES, assert_equal, tolerance_of, train

import keras_gan.train
from keras_gan.run import Run

SETTINGS = ["--epochs", "2", "--discriminator-steps", "2", "--likelihood-samples", "50"]
HALF = [*SETTINGS, "--precision", "mixed_bfloat16"]


def worker(strategy):
    """One of two processes: fit in all cases, then the command in bfloat16."""
    found = [train(strategy, **case) for case in CASES]
    assert keras_gan.train.main([*HALF, "--run-dir", "run", "--strategy", "multi_worker"]) == 0
    return found


def start(path, *arguments, **environment):
    return commands.start(*SETTINGS, "--run-dir", path, *arguments, **environment)


def start_two(path, *arguments):
    return [
        start(path, "--strategy", "multi_worker", *arguments, TF_CONFIG=config)
        for config in clusters(2)
    ]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "one"
    finish(start(path))
    return Run.open(path)


def assert_same(one: Run, two: Run, tolerance=1e-5) -> None:
    difference = small.largest_difference(small.weights(one.gan()), small.weights(two.gan()))
    assert difference < tolerance
    for name, values in one.metrics().items():
        if not name.startswith("val_"):
            np.testing.assert_allclose(two.metrics()[name], values, atol=tolerance, err_msg=name)


def test_fit_on_two_processes_equals_one_device(tmp_path):
    """Both rules, k = 1 and 2, dropout, labels, classes; see `test_distribution`."""
    found = in_two_workers("test_multi_worker", tmp_path)
    for case, *numbers in zip(CASES, *found, strict=True):
        one = train(tf.distribute.get_strategy(), **case)
        for other in numbers:
            assert_equal(one, other, tolerance_of(case))
    assert keras_gan.train.main([*HALF, "--run-dir", str(tmp_path / "one")]) == 0
    two = Run.open(tmp_path / "0" / "run")
    assert_same(Run.open(tmp_path / "one"), two, 1e-2)


def test_two_workers_equal_one_device(alone, tmp_path):
    finish(*start_two(tmp_path / "two"))
    two = Run.open(tmp_path / "two")
    assert two.config["sessions"][0]["replicas"] == 2
    assert_same(alone, two)


def test_a_signal_to_one_worker_stops_both_at_one_step_and_one_device_goes_on(alone, tmp_path):
    path = tmp_path / "run"
    processes = start_two(path)
    wait_for((path / "samples" / "epoch-0000.png").exists, processes[0])
    processes[1].send_signal(signal.SIGTERM)  # the one that is not the chief
    outputs = finish(*processes, code=75)
    steps = {err.split("saved after step ")[1].split(";")[0] for _, err in outputs}
    assert len(steps) == 1
    ((out, _),) = finish(start(path))
    assert "replicas: 2 before, 1 now" in out
    assert_same(alone, Run.open(path))


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_worker_ends_the_other_by_name_and_both_go_on(alone, tmp_path, lost):
    path = tmp_path / "run"
    processes = start_two(path)
    wait_for((path / "checkpoints").exists, processes[0])
    processes[lost].kill()
    processes[lost].communicate()
    ((_, err),) = finish(processes[1 - lost], code=4)
    last = last_line(err)
    assert last.startswith(f"train: training stopped: worker {lost} (127.0.0.1:")
    assert last.endswith(" is gone; run the same command again, on any number of workers")
    finish(*start_two(path))
    assert_same(alone, Run.open(path))


def test_what_the_chief_refuses_every_worker_says(alone, tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    (path / "precious.txt").write_text("")
    for _, err in finish(*start_two(path), code=2):
        last = last_line(err)
        assert last.startswith(f"train: error: {path} exists and is not a run directory")
