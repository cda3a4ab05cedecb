"""Writing files so that readers see the old or the new content, never half of it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from keras_gan.core.errors import InputError

_ATTEMPTS = 1000  # not for good: a file system may not tell that a file is the same


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Writes a file as `replacing` does; text as UTF-8, with ? for other bytes in files' names."""
    with replacing(path) as temporary:
        temporary.write_bytes(
            content.encode(errors="replace") if isinstance(content, str) else content
        )


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], ending: str = "") -> Iterator[Path]:
    """A file under a temporary name, which becomes `path` once it is on the disk.

    Args:
        path: The file.
        ending: The end of the temporary name, for libraries that look at it.

    Raises:
        OSError: It cannot be written; an earlier file of that name stays as it was.
    """
    temporary = Path(f"{temporary_name(path)}{ending}")
    try:
        with _claimed(temporary, temporary.touch, temporary.unlink):
            yield temporary
            sync(temporary)
            temporary.replace(path)
    except OSError as error:
        error.filename = os.fspath(path)  # writing names no file, and opening the temporary one
        raise


@contextlib.contextmanager
def _claimed(
    temporary: Path, make: Callable[[], None], remove: Callable[[], None]
) -> Iterator[None]:
    """Holds a temporary file or folder, made if need be; on an error, removes it.

    Another process that writes the same waits, instead of writing into it, until it has its final
    name or is gone. The lock, where the file system has any, ends with the process.
    """
    descriptor = _locked(temporary, make)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            remove()
        raise
    finally:
        os.close(descriptor)


def _locked(temporary: Path, make: Callable[[], None]) -> int:
    for more in reversed(range(_ATTEMPTS)):
        make()
        with contextlib.suppress(FileNotFoundError):  # another process renames or removes it
            descriptor = os.open(temporary, os.O_RDONLY)
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if not more or os.path.samestat(os.fstat(descriptor), temporary.stat()):
                    return descriptor
            os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(temporary))


def sync(path: str | os.PathLike[str]) -> None:
    """Returns when the system has written a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def temporary_name(path: str | os.PathLike[str]) -> Path:
    """The name under which a file is written first; a killed process may leave it behind."""
    path = Path(path)
    return path.with_name(f".{path.name}.tmp")


@contextlib.contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A folder under a temporary name, which is renamed to `path` when all is written to it.

    Args:
        path: The folder, which must not exist; its parents are made.

    Raises:
        InputError: It exists.
        OSError: It cannot be written.
    """
    path = Path(path)
    _check_new(path)
    temporary = temporary_name(path)
    make = functools.partial(temporary.mkdir, parents=True, exist_ok=True)
    with _claimed(temporary, make, functools.partial(shutil.rmtree, temporary)):
        _check_new(path)  # again: another process may have made it meanwhile
        for left in temporary.iterdir():  # by a process that was killed
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        with written_as(path, temporary):
            yield temporary
            temporary.rename(path)


def _check_new(path: Path) -> None:
    if os.path.lexists(path):
        raise InputError(f"{path} exists; remove it or choose another directory")


@contextlib.contextmanager
def written_as(path: str | os.PathLike[str], temporary: str | os.PathLike[str]) -> Iterator[None]:
    """Errors of the disk name `path` and not the temporary folder, which is gone, or nothing."""
    try:
        yield
    except OSError as error:
        if os.fsdecode(error.filename or temporary).startswith(os.fspath(temporary)):
            error.filename, error.filename2 = os.fspath(path), None
        raise


def flush_output() -> None:
    """Writes what standard output holds back, which Python would do after the exit code is known.

    Raises:
        OSError: It cannot be written: its disk is full, or `| head` has read enough.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError):  # it may be no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor at the end
        error.filename = "standard output"
        raise
