"""The progress line of `fit`: at most 100 characters, and while it changes one row."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time

import keras

_SHOWN = {"d_loss": ".4g", "g_loss": ".4g", "d_real": ".3f", "d_fake": ".3f"}
_WIDTH = 100  # characters
_SECONDS = 0.1  # between two changes of a line in a terminal
_PAUSE = 60.0  # seconds between two lines within an epoch elsewhere


class ProgressLine(keras.callbacks.Callback):
    """Shows examples per second, the time left, both losses, and the means of D(x) and D(G(z)).

    In a terminal the line changes during an epoch; elsewhere there is one line for each epoch, and
    one a minute. Every other quantity is in `history` and in what loggers write.

    Args:
        verbose: As in Keras: "auto" or 1 shows a changing line, 2 separate lines.
        initial_step: Steps of the first epoch that were made before.
    """

    def __init__(self, verbose: int | str, initial_step: int = 0):
        super().__init__()
        terminal = "ipykernel" in sys.modules or (sys.stdout is not None and sys.stdout.isatty())
        self._changes = verbose in ("auto", 1) and terminal
        self._steps_of_all, self._before = 0, initial_step

    def on_train_begin(self, logs=None):
        """Begins to measure the time."""
        self._train_began = self._shown_at = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        """Shows the epoch's number."""
        with contextlib.suppress(OSError):
            print(f"Epoch {epoch + 1}/{self.params['epochs']}", flush=True)
        self._began, self._steps, self._epoch = time.monotonic(), self._before, epoch
        self._images = int(self.model.images_seen.numpy())

    def on_train_batch_end(self, batch, logs=None):
        """Changes the line."""
        made = self._before + batch + 1
        made = min(made, self.params.get("steps") or made)  # of the last call, fewer
        self._steps_of_all += made - self._steps
        self._steps = made
        now = time.monotonic()
        is_last = self._steps == self.params.get("steps")  # the end of the epoch shows it
        if not is_last and now - self._shown_at > (_SECONDS if self._changes else _PAUSE):
            self._shown_at = now
            self._show(logs, self._time_left(now))

    def on_epoch_end(self, epoch, logs=None):
        """Completes the line."""
        self._show(logs, _short(time.monotonic() - self._began), end="\n")
        self._before = 0

    def _time_left(self, now: float) -> str:
        steps = self.params.get("steps")
        if not steps:
            return ""
        left = (self.params["epochs"] - self._epoch) * steps - self._steps
        return f"{_short(left * (now - self._train_began) / self._steps_of_all)} left"

    def _show(self, logs, when: str, end: str = "") -> None:
        # A line that wraps would stay, as "\r" goes back within one row. The last one may stay.
        row = min(_WIDTH, shutil.get_terminal_size((_WIDTH + 1, 0)).columns - 1)
        line = self._line(logs, when, _WIDTH if end or not self._changes else row)
        with contextlib.suppress(OSError):  # the terminal may be gone; training goes on
            if self._changes:
                print(f"\r{line.ljust(row)}", end=end, flush=True)
            else:
                print(line, flush=True)

    def _line(self, logs, when: str, width: int = _WIDTH) -> str:
        seconds = time.monotonic() - self._began
        steps = self.params.get("steps")
        images = int(self.model.images_seen.numpy()) - self._images
        parts = [f"{self._steps}/{steps}" if steps else f"{self._steps}"]
        parts += [f"{_rate(images / seconds)} examples/s"] if images else []
        parts += [when] if when else []
        shown = [(name, form) for name, form in _SHOWN.items() if name in (logs or {})]
        parts += [f"{name}: {float(logs[name]):{form}}" for name, form in shown]
        while len(line := " - ".join(parts)) > width:
            parts.pop()  # part of a number would be another number
        return line


def _rate(of_a_second: float) -> str:
    """Three digits or more, without an exponent."""
    return f"{of_a_second:,.0f}" if of_a_second >= 100 else f"{of_a_second:.3g}"


def _short(seconds: float) -> str:
    """A time in its largest usual unit."""
    if seconds < 100:
        return f"{seconds:.0f}s"
    return f"{seconds / 60:.0f}m" if seconds < 6000 else f"{seconds / 3600:.1f}h"
