"""The command in two processes: what happens when one of them ends."""

from __future__ import annotations

import re
import signal

import commands
import pytest
from commands import clusters, finish, last_line, wait_for
from test_distribution import SETTINGS, assert_same, command

from keras_gan import train
from keras_gan.experiment import connecting
from keras_gan.experiment.run import Run


def worker(path):
    """The command, with less patience for workers that are silent."""
    connecting._SILENT = 20
    return train.main([*SETTINGS, "--run-dir", path, "--strategy", "multi_worker"])


def start_one(path, config):
    return commands.Fork(worker, str(path), TF_CONFIG=config)


def start_two(path):
    return [start_one(path, config) for config in clusters(2)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "one"
    assert command(path) == 0
    return Run.open(path)


def test_a_signal_to_one_worker_stops_both_at_one_step_and_one_device_resumes(
    alone, tmp_path, capsys
):
    path = tmp_path / "run"
    processes = start_two(path)
    wait_for((path / "samples" / "epoch-0000.png").exists, processes[0])
    processes[1].send_signal(signal.SIGTERM)  # the one that is not the chief
    outputs = finish(*processes, code=75)
    steps = {re.findall(r"step (\d+);", err)[-1] for _, err in outputs}
    assert len(steps) == 1
    assert command(path) == 0
    assert "replicas: 2" in capsys.readouterr().out
    assert_same(alone, Run.open(path))


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_worker_ends_the_other_and_may_be_started_at_once(alone, tmp_path, lost):
    path, configs = tmp_path / "run", clusters(2)
    processes = [start_one(path, config) for config in configs]
    wait_for((path / "checkpoints").exists, processes[0])
    processes[lost].kill()
    processes[lost].communicate()
    again = start_one(path, configs[lost])  # the other has not noticed yet
    ((_, err),) = finish(processes[1 - lost], code=4)
    assert f"worker {lost} (127.0.0.1:" in last_line(err)
    finish(again, start_one(path, configs[1 - lost]))
    assert_same(alone, Run.open(path))
