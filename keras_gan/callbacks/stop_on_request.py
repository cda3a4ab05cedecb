"""An end to training that somebody asked for."""

from __future__ import annotations

from collections.abc import Callable

import keras

from keras_gan.callbacks.checkpoint import Checkpoint, within_epoch
from keras_gan.core.errors import Interrupted
from keras_gan.training import checkpoints


class StopOnRequest(keras.callbacks.Callback):
    """Ends training with `Interrupted` at the next step after it was asked to.

    Put it after `Checkpoint`, which saves an epoch that is complete.

    Args:
        requested: Says whether training is to end; the same on all workers.
        checkpoint: Where the state is saved, or None if another worker does that.
    """

    def __init__(self, requested: Callable[[], bool], checkpoint: Checkpoint | None):
        super().__init__()
        self._requested = requested
        self._checkpoint = checkpoint

    def on_train_batch_end(self, batch, logs=None):
        # Not on the last step of an epoch, whose end is still to come.
        # What is not finite ends training in another way, at the next step.
        if within_epoch(self) and self._requested() and checkpoints.all_finite(self.model):
            if self._checkpoint is not None:
                self._checkpoint.save()
            self._end()

    def on_epoch_end(self, epoch, logs=None):
        if self._requested():
            self._end()

    def _end(self):
        if self._checkpoint is not None:
            self._checkpoint.wait()
        raise Interrupted(
            f"saved after step {int(self.model.current_step.numpy())}; "
            "the same command goes on from there"
        )
