"""The base of callbacks that act every few epochs, and after the last one."""

from __future__ import annotations

from typing import Any

import keras

from keras_gan.training import checkpoints


class AfterEpochs(keras.callbacks.Callback):
    """The base of callbacks that look at the model after some epochs, and always after the last.

    The last epoch is also that in which training is stopped. If a callback after this one stops it,
    the look comes when training ends, too late for the logs. Weights that are NaN or Inf when
    training is stopped are not looked at.

    A subclass has a method `look`, and an attribute `_every` or a method `is_due`.
    """

    _every = 1  # epochs between two looks
    _left_out: int | None = None  # the last epoch, if it was not looked at

    def is_due(self, epoch: int) -> bool:
        """Whether this epoch is looked at, even if it is not the last."""
        return (epoch + 1) % self._every == 0

    def look(self, epoch: int, logs: dict[str, Any]) -> None:
        """Looks at the model after this epoch; `logs` may be added to."""
        raise NotImplementedError

    def on_epoch_end(self, epoch, logs=None):
        is_last = epoch + 1 == self.params.get("epochs") or self.model.stop_training
        self._left_out = None if is_last or self.is_due(epoch) else epoch
        if self._left_out is None:
            self._look(epoch, {} if logs is None else logs)

    def on_train_end(self, logs=None):
        if self._left_out is not None and self.model.stop_training:
            self._look(self._left_out, {})

    def _look(self, epoch: int, logs: dict[str, Any]) -> None:
        if not self.model.stop_training or checkpoints.all_finite(self.model):
            self.look(epoch, logs)
