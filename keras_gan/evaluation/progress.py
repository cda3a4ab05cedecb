"""Progress of long evaluations, which the caller may show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol


class Track(Protocol):
    """What `rich.progress.track` is: passes a sequence on and shows how far it has come."""

    def __call__(self, sequence: Sequence[int], description: str) -> Iterable[int]: ...


def tracked(track: Track | None, sequence: Sequence[int], description: str) -> Iterable[int]:
    """The sequence, shown by `track` where the caller gave one."""
    return sequence if track is None else track(sequence, description=description)
