"""SIGTERM and SIGINT as a request that training sees at its next step."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType


class Interruption:
    """While it is entered, notes the first signal; a second SIGINT ends the process at once.

    Attributes:
        signal: Name of the signal that came, or None.
    """

    def __init__(self) -> None:
        self.signal: str | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        if number == signal.SIGINT and self.signal is not None:
            raise KeyboardInterrupt
        self.signal = name
        print(
            f"{name}: saving after this step; SIGINT once more ends at once",
            file=sys.stderr,
            flush=True,
        )
