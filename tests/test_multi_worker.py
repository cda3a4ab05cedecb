"""The command in two processes: what happens when one of them ends."""

from __future__ import annotations

import re
import signal

import commands
import pytest
from commands import clusters, finish, last_line, wait_for
from test_distribution import SETTINGS, assert_same, command

from keras_gan.experiment.run import Run


def start_two(path):
    arguments = [*SETTINGS, "--run-dir", path, "--strategy", "multi_worker"]
    return [commands.start(*arguments, TF_CONFIG=config) for config in clusters(2)]


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
def test_a_lost_worker_ends_the_other_and_the_command_resumes(alone, tmp_path, lost):
    path = tmp_path / "run"
    processes = start_two(path)
    wait_for((path / "checkpoints").exists, processes[0])
    processes[lost].kill()
    processes[lost].communicate()
    ((_, err),) = finish(processes[1 - lost], code=4)
    assert f"worker {lost} (127.0.0.1:" in last_line(err)
    if lost == 0:
        finish(*start_two(path))
    else:
        assert command(path) == 0
    assert_same(alone, Run.open(path))
