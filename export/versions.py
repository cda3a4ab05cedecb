"""Versions of a model, in TensorFlow Serving's layout: `<output>/<name>/<version>/`.

A version is written as a draft, a hidden directory that servers ignore, synced to the disk, and
published by one rename. A process that ends before that leaves a draft, which the next export
removes: drafts of running processes are locked.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from keras_gan import InputError

_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_DRAFT = ".draft-"
MAX_VERSION = 2**63 - 1  # the highest that servers read


def check_name(name: str) -> None:
    """Raises InputError for a name that does not fit TensorFlow Serving's URLs."""
    if not _NAME.fullmatch(name):
        raise InputError(
            "a model's name has letters, digits, '_', '-' and '.', and begins with none of the "
            f"last two. Received: {name!r}"
        )


def name_of(text: str) -> str:
    """A name for a model that is called so, such as a file's: "_" for what no name may have."""
    return re.sub(r"[^\w.-]|^[.-]", "_", text, flags=re.ASCII) or "_"


def existing(base: Path) -> dict[int, Path]:
    """The versions of the model in `base`, lowest first."""
    if not base.is_dir():
        return {}
    return dict(sorted((int(p.name), p) for p in base.iterdir() if p.name.isdecimal()))


def latest(base: Path) -> Path | None:
    """The version with the highest number, or None."""
    return next(reversed(existing(base).values()), None)


def check_free(base: Path, version: int | None) -> None:
    """Raises InputError if the version (None: the next one) is out of range or exists already."""
    number = _next(base) if version is None else version
    if not 1 <= number <= MAX_VERSION:
        raise InputError(
            f"a version of {base} is a number in [1, {MAX_VERSION}]. Received: {number}"
        )
    if version in existing(base):  # of None, another process may have taken the number meanwhile
        raise InputError(
            f"{base} has a version {version} already; leave --version out for the next one"
        )


def publish(base: Path, version: int | None, fill: Callable[[Path], None]) -> Path:
    """Creates a version, all of it or nothing."""
    check_free(base, version)
    try:
        with _folder(base), _draft(base) as draft:
            fill(draft)
            for path in [*draft.rglob("*"), draft]:
                _sync(path)
            published = _rename(draft, base, version)
            _sync(base)
            return published
    except OSError as error:
        raise InputError(f"{base} cannot be written: {error.strerror or error}") from error


def _next(base: Path) -> int:
    return max(existing(base), default=0) + 1


def _rename(draft: Path, base: Path, version: int | None) -> Path:
    while True:
        check_free(base, version)
        try:
            return draft.rename(base / str(version or _next(base)))
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
            # Another process took the number meanwhile.


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Creates a directory and its parents; on an error, removes those that are empty."""
    created = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield
        for folder in created:
            _sync(folder.parent)
    except BaseException:
        for folder in created:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


@contextlib.contextmanager
def _draft(base: Path) -> Iterator[Path]:
    """A locked draft, removed at the end unless it was renamed; stale drafts are removed first."""
    draft = base / f"{_DRAFT}{secrets.token_hex(4)}"
    with contextlib.ExitStack() as until_published:
        with _locked(base, wait=True):  # else another process may take a new draft for a stale one
            for stale in base.glob(f"{_DRAFT}*"):
                with contextlib.suppress(OSError), _locked(stale):
                    shutil.rmtree(stale)
            draft.mkdir()
            until_published.callback(shutil.rmtree, draft, ignore_errors=True)
            until_published.enter_context(_locked(draft))
        yield draft


@contextlib.contextmanager
def _locked(folder: Path, wait: bool = False) -> Iterator[None]:
    """Holds a directory's lock, which ends with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
