"""Checks of names of files and folders, before any work begins."""

from __future__ import annotations

import difflib
import os
import shlex
from pathlib import Path

from keras_gan.core.errors import InputError

_LONGEST_NAME, _LONGEST_PATH = 255, 4095  # bytes, of Linux's file systems


def check_path(name: str, text: str | os.PathLike[str]) -> None:
    """Refuses what no file or folder of a user can be called.

    Args:
        name: The name of the path in the message, such as that of an option.
        text: The path, or a URL.

    Raises:
        InputError: It is empty, too long, the root of the file system, or has characters that no
            path has.
    """
    path = os.fspath(text)
    try:
        code = os.fsencode(path)
    except UnicodeEncodeError:
        code = b"\0"
    if not path.strip():
        fault = "must not be empty"
    elif b"\0" in code:
        fault = "must be a path, without characters that no path has"
    elif len(code) > _LONGEST_PATH or max(map(len, code.split(b"/"))) > _LONGEST_NAME:
        fault = f"must be a path whose names have at most {_LONGEST_NAME} bytes"
    elif os.path.realpath(path) == os.path.abspath(os.sep):
        fault = "must be a folder of its own, not the root of the file system"
    else:
        return
    raise InputError(f"{name} {fault}. Received: {_short(path)!r}")


def check_folder(name: str, text: str | os.PathLike[str]) -> None:
    """Refuses what is not a folder and cannot become one; of a URL, nothing more than its text.

    Raises:
        InputError: As `check_path`; or a part of the path is a file.
    """
    check_path(name, text)
    if "://" in os.fspath(text):
        return  # only its file system can tell
    place = os.path.abspath(text)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        raise InputError(f"{name} must be a folder, but {place} is a file. Received: {text}")


def similar(path: str | os.PathLike[str]) -> list[str]:
    """Of a path that leads nowhere: what is most like its first missing part, as shells read it."""
    place = Path(path)
    while not os.path.lexists(place.parent):
        place = place.parent
    try:
        names = [name for name in os.listdir(place.parent) if not name.startswith(".")]
    except OSError:
        return []
    close = difflib.get_close_matches(place.name, names, n=1)
    return [shlex.quote(str(place.parent / name)) for name in close]


def cache_folder(cache_dir: str | os.PathLike[str] | None = None) -> Path:
    """The folder of all caches: as given, else KERAS_GAN_CACHE, else `~/.cache/keras_gan`."""
    folder = cache_dir or os.environ.get("KERAS_GAN_CACHE") or "~/.cache/keras_gan"
    return Path(os.path.expanduser(folder))


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}..."
