"""A folder of decoded pictures that is made once and mapped into memory afterwards.

    CACHE/NAME-KEY/pictures.npy    uint8 [n, h, w, c]: train, validation, test
    CACHE/NAME-KEY/labels.npy      int64 [n], if there are classes
    CACHE/NAME-KEY/facts.json      sizes of the splits and what was found

It appears under this name when it is complete. Pages of a mapped file belong to the system, which
takes them back when memory is short.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from keras_gan.core.errors import InputError, first_line
from keras_gan.core.files import new_folder

_PICTURES, _LABELS, _FACTS = "pictures.npy", "labels.npy", "facts.json"


class Cache:
    """The decoded pictures of one source under one set of options.

    Args:
        folder: Where they are or will be.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def open_or_make(self, make: Callable[[Cache], None]) -> bool:
        """Makes the folder by `make`, which gets a `Cache` to write to, unless it is there.

        One process makes it; others wait for it.

        Returns:
            Whether it was made.

        Raises:
            InputError: The folder cannot be written.
        """
        if self._is_whole():  # perhaps in a folder that may only be read
            return False
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(self.folder.with_name(f".{self.folder.name}.lock")):
                if self._is_whole():
                    return False
                shutil.rmtree(self.folder, ignore_errors=True)
                with new_folder(self.folder) as unfinished:
                    make(Cache(unfinished))
        except OSError as error:
            raise InputError(
                f"decoded pictures cannot be written to {self.folder.parent}: "
                f"{error.strerror or first_line(error)}; choose another folder (--cache-dir, or "
                "KERAS_GAN_CACHE)"
            ) from error
        return True

    def allocate(self, shape: tuple[int, ...]) -> np.memmap:
        """Pictures to be filled in, uint8 `[n, h, w, c]`, if the disk has room for them."""
        needed = math.prod(shape)
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise InputError(
                f"decoded pictures take {needed / 2**20:,.0f} MiB, and {self.folder.parent} has "
                f"{free / 2**20:,.0f} MiB left: choose another folder (--cache-dir) or a smaller "
                "--size"
            )
        file = self.folder / _PICTURES
        pictures = np.lib.format.open_memmap(file, "w+", np.uint8, shape)
        # Blocks are taken now: where another program fills the disk meanwhile, writing to a mapped
        # file would end the process without a word.
        with file.open("r+b") as opened:
            try:
                os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
            except OSError as error:  # not all file systems can
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
        return pictures

    def write(self, labels: np.ndarray | None, facts: dict[str, Any]) -> None:
        """Writes what belongs to the pictures."""
        if labels is not None:
            np.save(self.folder / _LABELS, labels)
        (self.folder / _FACTS).write_text(json.dumps(facts, indent=1))

    def read(self) -> tuple[np.memmap, np.ndarray | None, dict[str, Any]]:
        """Pictures, mapped; labels, if there are any; facts."""
        pictures = np.load(self.folder / _PICTURES, mmap_mode="r")
        labels = self.folder / _LABELS
        facts = json.loads((self.folder / _FACTS).read_text())
        return pictures, np.load(labels) if labels.exists() else None, facts

    def _is_whole(self) -> bool:
        """Whether all files are there and belong together; a power failure leaves empty ones."""
        with contextlib.suppress(OSError, EOFError, ValueError, KeyError, TypeError):
            pictures, labels, facts = self.read()
            n = sum(facts["splits"].values())
            labeled = n if facts["label_names"] is not None or labels is not None else 0
            return (len(pictures), 0 if labels is None else len(labels)) == (n, labeled)
        return False
