"""The progress line of `fit`: at most 100 characters."""

from __future__ import annotations

import sys
import time

import keras

_SHOWN = {"d_loss": ".4g", "g_loss": ".4g", "d_real": ".3f", "d_fake": ".3f"}
_SECONDS = 0.1  # between two changes of a line in a terminal


class ProgressLine(keras.callbacks.Callback):
    """Shows step time, both losses, and the means of D(x) and D(G(z)).

    In a terminal the line changes during an epoch; elsewhere there is one line for each epoch.
    Every other quantity is in `history` and in what loggers write.

    Args:
        verbose: As in Keras: "auto" or 1 shows a changing line, 2 one line for each epoch.
    """

    def __init__(self, verbose: int | str):
        super().__init__()
        terminal = sys.stdout.isatty() or "ipykernel" in sys.modules
        self._changes = verbose in ("auto", 1) and terminal
        self._shown_at = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        """Shows the epoch's number."""
        print(f"Epoch {epoch + 1}/{self.params['epochs']}", flush=True)
        self._began, self._steps = time.monotonic(), 0

    def on_train_batch_end(self, batch, logs=None):
        """Changes the line."""
        self._steps = batch + 1
        now = time.monotonic()
        if self._changes and now - self._shown_at > _SECONDS:
            self._shown_at = now
            print(f"\r{self._line(logs)}", end="", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        """Completes the line."""
        print(f"\r{self._line(logs)}" if self._changes else self._line(logs), flush=True)

    def _line(self, logs) -> str:
        seconds = time.monotonic() - self._began
        steps = self.params.get("steps")
        parts = [
            f"{self._steps}/{steps}" if steps else f"{self._steps}",
            f"{seconds:.0f}s",
            f"{1000 * seconds / max(self._steps, 1):.0f}ms/step",
        ]
        shown = [(name, form) for name, form in _SHOWN.items() if name in (logs or {})]
        parts += [f"{name}: {float(logs[name]):{form}}" for name, form in shown]
        return " - ".join(parts)[:100].ljust(100 if self._changes else 0)
