"""Loading and unloading, with a stand-in for the loader: directories are real, models are not."""

from __future__ import annotations

import errno
import os
import threading
import time

import pytest
from serving_running import PATIENCE, wait_for

from serving.config import ModelConfig
from serving.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Unknown,
)
from serving.files import versions_on_disk
from serving.manager import Manager, State


class Loaded:
    def __init__(self, path):
        if (path / "broken").exists():
            raise OSError("truncated")
        self.path, self.closed = path, False

    def close(self):
        self.closed = True


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "m"
    path.mkdir()
    return path


@pytest.fixture
def manager():
    manager = Manager(Loaded, poll_seconds=0.02)
    yield manager
    manager.stop()


def publish(base, number, broken=False):
    partial = base / f".{number}"
    partial.mkdir()
    (partial / ("broken" if broken else "fine")).touch()
    return partial.rename(base / str(number))


def states(manager):
    return {number: state for number, state, _ in manager.status("m")}


def test_the_latest_takes_over_and_the_old_one_drains(base, manager):
    publish(base, 1)
    manager.start([ModelConfig("m", base)])
    with manager.use("m") as old:
        assert old.number == 1
        publish(base, 2)
        wait_for(lambda: states(manager) == {1: State.UNLOADING, 2: State.AVAILABLE})
        with manager.use("m") as new:
            assert new.number == 2
        with pytest.raises(NotFound, match=r"Specific\(m, 1\)"), manager.use("m", 1):
            pass
        servable = old.servable
        time.sleep(0.05)
        assert not servable.closed
    wait_for(lambda: states(manager) == {1: State.END, 2: State.AVAILABLE})
    assert servable.closed


def test_a_broken_version_never_takes_over_and_is_tried_again_when_its_files_change(base, manager):
    publish(base, 1)
    manager.start([ModelConfig("m", base)])
    path = publish(base, 2, broken=True)
    wait_for(lambda: states(manager) == {1: State.AVAILABLE, 2: State.END})
    (_, _, error), _ = manager.status("m")
    assert "truncated" in error.message
    with manager.use("m") as version:
        assert version.number == 1
    (path / "broken").unlink()
    wait_for(lambda: states(manager) == {1: State.END, 2: State.AVAILABLE})
    assert manager.status("m", 2)[0][2] is None


def test_going_back_by_removing_the_new_version(base, manager):
    publish(base, 1)
    manager.start([ModelConfig("m", base)])
    path = publish(base, 2)
    wait_for(lambda: states(manager) == {1: State.END, 2: State.AVAILABLE})
    path.rename(base / ".away")
    wait_for(lambda: states(manager) == {1: State.AVAILABLE, 2: State.END})


def test_a_base_path_that_cannot_be_listed_keeps_its_versions(base, tmp_path, manager):
    other = tmp_path / "other"
    other.mkdir()
    publish(base, 1)
    publish(other, 1)
    manager.start([ModelConfig("m", base), ModelConfig("other", other)])
    away = base.rename(tmp_path / "away")
    publish(other, 2)
    # The other model is looked at, and unloaded from, after this one in the same round.
    wait_for(lambda: manager.status("other", 1)[0][1] is State.END)
    assert manager.available() == {"m": [1], "other": [2]}
    away.rename(base)
    publish(base, 2)
    wait_for(lambda: states(manager) == {1: State.END, 2: State.AVAILABLE})


def test_a_version_that_cannot_be_looked_at_stays(base, manager, monkeypatch):
    """A network's file system may list a name and then fail to say what it is."""
    publish(base, 1)
    manager.start([ModelConfig("m", base)])
    stat, failures = os.stat, []

    def failing(path, **named):
        if path == base / "1":
            failures.append(path)
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return stat(path, **named)

    monkeypatch.setattr(os, "stat", failing)
    wait_for(lambda: len(failures) > 2)
    assert states(manager) == {1: State.AVAILABLE}
    with pytest.raises(OSError, match="Stale file handle"):
        versions_on_disk(base)


def test_versions_are_unloaded_together(base, manager, monkeypatch):
    """None waits for the requests of another, and memory is returned once."""
    returned = []
    monkeypatch.setattr("serving.manager._return_memory", lambda: returned.append(None))
    for number in range(1, 41):
        publish(base, number)
    manager.start([ModelConfig("m", base, latest=0)])
    with manager.use("m", 7):
        manager.reload([])
        wait_for(lambda: [*states(manager).values()].count(State.END) == 39)
        assert states(manager)[7] is State.UNLOADING
        assert len(returned) == 1
    wait_for(lambda: set(states(manager).values()) == {State.END})
    assert len(returned) == 2


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"latest": 1}, {3}),
        ({"latest": 2}, {2, 3}),
        ({"latest": 0}, {1, 2, 3}),
        ({"latest": 0, "versions": frozenset({1, 9})}, {1}),
    ],
)
def test_policies(base, manager, policy, expected):
    for number in (1, 2, 3):
        publish(base, number)
    manager.start([ModelConfig("m", base, **policy)])
    assert set(manager.available()["m"]) == expected


def test_labels(base, manager):
    publish(base, 1)
    publish(base, 2)
    both = ModelConfig("m", base, latest=2, labels={"stable": 1})
    manager.start([both])
    with manager.use("m", label="stable") as version:
        assert version.number == 1
    with pytest.raises(InvalidArgument, match="Unrecognized"), manager.use("m", label="x"):
        pass
    with pytest.raises(FailedPrecondition):
        manager.reload([ModelConfig("m", base, latest=2, labels={"stable": 3})])
    assert manager.labels("m") == {"stable": 1}
    manager.reload([ModelConfig("m", base, latest=2, labels={"stable": 2, "canary": 1})])
    with manager.use("m", label="stable") as version:
        assert version.number == 2


def test_new_labels_may_come_before_their_versions(base):
    publish(base, 1)
    manager = Manager(Loaded, poll_seconds=0.02, early_labels=True)
    manager.start([ModelConfig("m", base, labels={"stable": 1, "canary": 2})])
    try:
        with pytest.raises(NotFound, match=r"Specific\(m, 2\)"), manager.use("m", label="canary"):
            pass
        with pytest.raises(FailedPrecondition):  # this label is in use
            manager.reload([ModelConfig("m", base, labels={"stable": 2})])
        publish(base, 2)
        wait_for(lambda: states(manager) == {1: State.END, 2: State.AVAILABLE})
        with manager.use("m", label="canary") as version:
            assert version.number == 2
    finally:
        manager.stop()


def test_start_fails_when_nothing_loads(base):
    publish(base, 1, broken=True)
    manager = Manager(Loaded)
    with pytest.raises(Unknown, match="truncated"):
        manager.start([ModelConfig("m", base)])
    publish(base, 2)
    manager = Manager(Loaded)
    with pytest.raises(FailedPrecondition):
        manager.start([ModelConfig("m", base, labels={"stable": 1})])


def test_reload_waits_for_new_models_and_unloads_the_rest(base, tmp_path, manager):
    publish(base, 1)
    other = tmp_path / "other"
    other.mkdir()
    publish(other, 4)
    manager.start([ModelConfig("m", base)])
    manager.reload([ModelConfig("other", other)])
    with manager.use("other") as version:
        assert version.number == 4
    wait_for(lambda: states(manager) == {1: State.END})
    with pytest.raises(NotFound, match=r"Latest\(m\)"), manager.use("m"):
        pass
    manager.reload([])
    wait_for(lambda: manager.status("other") == [(4, State.END, None)])
    manager.reload([ModelConfig("m", base)])
    assert states(manager) == {1: State.AVAILABLE}


def test_a_version_that_did_not_load_is_tried_in_another_base_path(base, tmp_path, manager):
    publish(base, 1, broken=True)
    publish(base, 2)
    other = tmp_path / "other"
    other.mkdir()
    publish(other, 1)
    manager.start([ModelConfig("m", base, latest=0)])
    assert states(manager) == {1: State.END, 2: State.AVAILABLE}
    manager.reload([ModelConfig("m", other, latest=0)])
    wait_for(lambda: states(manager) == {1: State.AVAILABLE, 2: State.END})
    with manager.use("m") as version:
        assert version.servable.path == other / "1"


def test_requests_during_a_rollover_always_find_a_version(base, manager):
    publish(base, 1)
    manager.start([ModelConfig("m", base)])
    failures, numbers, ended = [], set(), threading.Event()

    def ask():
        while not ended.is_set():
            try:
                with manager.use("m") as version:
                    assert not version.servable.closed
                    numbers.add(version.number)
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(2, 8):
            publish(base, number)
            wait_for(lambda number=number: states(manager).get(number) == State.AVAILABLE)
            wait_for(lambda number=number: states(manager)[number - 1] == State.END)
    finally:
        ended.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert not failures
    assert numbers >= {1, 7}


@pytest.mark.parametrize("kind", ["link", "linked directory", "pipe", "link inside"])
def test_a_version_holds_regular_files_and_directories_only(kind, base, tmp_path, manager):
    publish(base, 1)
    manager.start([ModelConfig("m", base)])
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").touch()
    odd = base / ".2" / "variables"
    odd.parent.mkdir()
    (odd.parent / "fine").touch()
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        targets = {"link": tmp_path / "secret" / "file", "link inside": "fine"}
        odd.symlink_to(targets.get(kind, tmp_path / "secret"))
    odd.parent.rename(base / "2")
    wait_for(lambda: states(manager) == {1: State.AVAILABLE, 2: State.END})
    error = manager.status("m", 2)[0][2]
    assert isinstance(error, FailedPrecondition)
    expected = "not a regular file" if kind == "pipe" else "a link"
    assert error.message.startswith(f"variables is {expected}; a version holds regular files")
    (base / "2" / "variables").unlink()  # it is tried again
    wait_for(lambda: states(manager) == {1: State.END, 2: State.AVAILABLE})


def test_only_numbers_inside_the_base_path_are_versions(base, tmp_path):
    publish(base, 1)
    publish(base, "00000002")
    (base / "3").touch()
    (base / "latest").mkdir()
    (base / "-4").mkdir()
    (base / "5").symlink_to(base / "1")
    outside = tmp_path / "outside"
    outside.mkdir()
    (base / "6").symlink_to(outside)
    (base / "7").symlink_to("7")
    assert set(versions_on_disk(base)) == {1, 2, 5}
    for number in (10**18, 2**63 - 1, 2**63):
        (base / str(number)).mkdir()
    assert set(versions_on_disk(base)) == {1, 2, 5, 10**18, 2**63 - 1}
    (tmp_path / "loop").symlink_to("loop")
    for name in ("missing", "loop"):
        with pytest.raises(OSError, match=f"'.*{name}'"):
            versions_on_disk(tmp_path / name)
