"""Writing files so that readers see the old or the new content, never half of it."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Writes a file under a temporary name in its folder, then renames it.

    Args:
        path: The file.
        content: Its content; text is written as UTF-8.

    Raises:
        OSError: It cannot be written; an earlier file of that name stays as it was.
    """
    temporary = temporary_name(path)
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_name(path: str | os.PathLike[str]) -> Path:
    """The name under which a file is written first; a killed process may leave it behind."""
    path = Path(path)
    return path.with_name(f".{path.name}.tmp")
