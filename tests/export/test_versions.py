"""Versions appear whole or not at all."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import keras_gan
from export import versions

# Publishes a copy of a real export again and again, in a fork that ends itself (SIGKILL) at the
# first, second ... write, sync, rename or change of a directory, until one comes to its end.
ENDINGS = """
import os, shutil, signal, sys
from pathlib import Path
from export import versions

source, output, count = Path(sys.argv[1]), Path(sys.argv[2]), 0

def ending(function):
    def call(*args, **kwargs):
        global count
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return call

for name in ("write", "fsync", "rename", "mkdir", "rmdir", "unlink", "close"):
    setattr(os, name, ending(getattr(os, name)))

def fill(draft):
    for file in sorted(source.rglob("*")):
        target = draft / file.relative_to(source)
        if file.is_dir():
            target.mkdir()
            continue
        content = file.read_bytes()
        with open(target, "wb", buffering=0, opener=None) as opened:
            for part in range(0, len(content), 1 << 17):
                os.write(opened.fileno(), content[part : part + (1 << 17)])

last = 0
while True:
    last += 1
    child = os.fork()
    if not child:
        versions.publish(output / str(last) / "model", None, fill)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
"""


def content(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_ended_at_any_write_sync_or_rename_a_version_is_whole_or_invisible(
    export, tmp_path: Path
) -> None:
    arguments = [sys.executable, "-c", ENDINGS, str(export.path), str(tmp_path)]
    subprocess.run(arguments, check=True)
    whole, seen = content(export.path), []
    for last in range(1, len(list(tmp_path.iterdir())) + 1):
        base = tmp_path / str(last) / "model"
        existing = versions.existing(base)
        seen.append(bool(existing))
        if existing:
            assert content(existing[1]) == whole
        # The next export is possible, and removes the drafts of the killed one.
        versions.publish(base, None, lambda draft: (draft / "file").write_text("next"))
        assert sorted(p.name for p in base.iterdir()) == ["1", "2"][: 1 + bool(existing)]
    assert len(seen) > 40
    assert sum(seen) >= 2  # ended after the rename, and not ended
    assert seen == sorted(seen)


def test_numbers(tmp_path: Path) -> None:
    base = tmp_path / "deep" / "model"

    def fill(draft: Path) -> None:
        (draft / "file").write_text("content")

    assert versions.publish(base, None, fill).name == "1"
    assert versions.publish(base, 7, fill).name == "7"
    assert versions.publish(base, 3, fill).name == "3"
    (base / "notes").mkdir()
    assert versions.publish(base, None, fill).name == "8"
    with pytest.raises(keras_gan.InputError, match="version 3"):
        versions.publish(base, 3, fill)
    (base / "009").mkdir()
    with pytest.raises(keras_gan.InputError, match="version 9"):
        versions.publish(base, 9, fill)
    for number in (0, -1, 2**63):
        with pytest.raises(keras_gan.InputError, match="version"):
            versions.publish(base, number, fill)
    versions.publish(base, versions.MAX_VERSION, fill)  # a server takes no higher one
    with pytest.raises(keras_gan.InputError, match=f"version of .* Received: {2**63}"):
        versions.publish(base, None, fill)
    assert not (base / str(2**63)).exists()


def test_a_number_taken_meanwhile(tmp_path: Path) -> None:
    def fill(draft: Path) -> None:
        (draft / "file").write_text("mine")
        (tmp_path / "1").mkdir(exist_ok=True)
        (tmp_path / "1" / "file").write_text("theirs")

    assert versions.publish(tmp_path, None, fill) == tmp_path / "2"
    assert (tmp_path / "1" / "file").read_text() == "theirs"
    (tmp_path / "1" / "file").unlink()
    (tmp_path / "1").rmdir()
    with pytest.raises(keras_gan.InputError, match="version 1"):
        versions.publish(tmp_path, 1, fill)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1", "2"]


def test_a_draft_of_a_running_process_stays(tmp_path: Path) -> None:
    def fill(draft: Path) -> None:
        versions.publish(tmp_path, None, lambda other: (other / "file").write_text("fast"))
        (draft / "file").write_text("slow")

    assert versions.publish(tmp_path, None, fill) == tmp_path / "2"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1", "2"]


def test_a_draft_that_is_not_locked_yet_stays(tmp_path: Path, monkeypatch) -> None:
    def write(draft: Path) -> None:
        (draft / "file").write_text(threading.current_thread().name)

    other = threading.Thread(target=versions.publish, args=(tmp_path, None, write), name="other")
    mkdir = Path.mkdir

    def mkdir_and_pause(path: Path, *arguments, **named) -> None:
        mkdir(path, *arguments, **named)
        if path.name.startswith(".draft-") and other.ident is None:
            other.start()
            other.join(0.5)

    monkeypatch.setattr(Path, "mkdir", mkdir_and_pause)
    one = versions.publish(tmp_path, None, write)
    other.join()
    texts = {path.name: (path / "file").read_text() for path in tmp_path.iterdir()}
    assert sorted(texts) == ["1", "2"]
    assert texts.pop(one.name) == threading.current_thread().name
    assert list(texts.values()) == ["other"]


def test_a_number_that_another_process_takes_meanwhile(tmp_path: Path, monkeypatch) -> None:
    next_number = versions._next

    def taken_at_once(base: Path) -> int:
        number = next_number(base)
        if number < 3:
            (base / str(number)).mkdir()
            (base / str(number) / "file").write_text("another's")
        return number

    monkeypatch.setattr(versions, "_next", taken_at_once)
    published = versions.publish(tmp_path, None, lambda draft: (draft / "file").write_text("ours"))
    assert published.name == "3"
    texts = {path.name: (path / "file").read_text() for path in tmp_path.iterdir()}
    assert texts == {"1": "another's", "2": "another's", "3": "ours"}


def test_failure_leaves_nothing(tmp_path: Path) -> None:
    def fill(draft: Path) -> None:
        (draft / "file").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        versions.publish(tmp_path / "deep" / "model", None, fill)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a/b", "a:b", "", ".", "..", ".hidden", "-x", "a b", "é", "a\n"])
def test_names_that_a_server_would_refuse(name: str) -> None:
    with pytest.raises(keras_gan.InputError, match="name"):
        versions.check_name(name)


@pytest.mark.parametrize("name", ["mnist", "Mnist-2_v1.0", "7", "_x"])
def test_names_that_serve(name: str) -> None:
    versions.check_name(name)


@pytest.mark.parametrize(
    ("called", "name"),
    [("my gan", "my_gan"), ("a/b: é", "a_b___"), (".x-1.5", "_x-1.5"), ("ok.9", "ok.9"), ("", "_")],
)
def test_a_name_from_that_of_a_file(called: str, name: str) -> None:
    assert versions.name_of(called) == name
    versions.check_name(name)
