"""Files that are written whole or not at all, and the versions in a model's base path."""

from __future__ import annotations

import errno
import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from serving.calls import MAX_VERSION
from serving.errors import FailedPrecondition, UsageError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary file to write to, which becomes `path` at the end.

    It exists from the beginning, so that work whose result could not be written does not start, and
    is removed when the work fails.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        yield partial
        os.replace(partial, path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with suppress(OSError):
            partial.unlink()


def write_text(path: Path, text: str) -> None:
    """Writes a text file; raises UsageError if it cannot be written."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


_VERSION = re.compile(r"[0-9]+", re.ASCII)
_logger = logging.getLogger(__name__)


def versions_on_disk(base_path: Path) -> dict[int, Path]:
    """Lists the versions in a base path.

    A version is a directory whose name is a number below 2^63. One that is a link to a place
    outside the base path is left out: nothing outside the base path is ever read.

    Raises:
        OSError: The base path cannot be listed, or it is not known what a name in it is.
    """
    # The functions of os.path accept a link to itself; those of Path raise.
    root = os.path.realpath(base_path)
    versions: dict[int, Path] = {}
    for name in sorted(os.listdir(base_path)):
        path = base_path / name
        if not _VERSION.fullmatch(name) or int(name) > MAX_VERSION or not _is_directory(path):
            continue
        if not Path(os.path.realpath(path)).is_relative_to(root):
            _logger.warning("version outside the base path left out", extra={"path": str(path)})
            continue
        versions[int(name)] = path
    return versions


def _is_directory(path: Path) -> bool:
    """As `os.path.isdir`; raises OSError where the file system cannot tell, as NFS at times."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES):
            raise
        return False


def check_plain(version_path: Path) -> None:
    """Raises FailedPrecondition unless a version holds regular files and directories only.

    A link could lead to any file of this machine, and reading a named pipe may never end.
    """
    root = os.path.realpath(version_path)  # the version itself may be a link in its base path
    for directory, directories, files in os.walk(root):
        for name in (*directories, *files):
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                kind = "a link" if stat.S_ISLNK(mode) else "not a regular file"
                raise FailedPrecondition(
                    f"{os.path.relpath(path, root)} is {kind}; a version holds regular files and "
                    "directories only, so put a copy in its place"
                )


def fingerprint(version_path: Path) -> tuple:
    """Changes whenever a version's files do: their number, their bytes, the newest change (ns)."""
    stats: list[os.stat_result] = []
    for directory, directories, files in os.walk(version_path):
        for name in (*directories, *files):
            with suppress(OSError):  # removed meanwhile
                stats.append(os.lstat(os.path.join(directory, name)))
    newest = max((max(file.st_mtime_ns, file.st_ctime_ns) for file in stats), default=0)
    return len(stats), sum(file.st_size for file in stats), newest
