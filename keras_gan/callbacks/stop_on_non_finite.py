"""An end to training that has broken."""

from __future__ import annotations

import math

import keras

from keras_gan.core.errors import TrainingError
from keras_gan.training import checkpoints


class StopOnNonFinite(keras.callbacks.Callback):
    """Ends training with `TrainingError` when a loss, or at an epoch's end a weight, is not finite.

    Put it before callbacks that save the model: what they saved last stays good.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        losses = [float(value) for name, value in (logs or {}).items() if name.endswith("_loss")]
        if not all(map(math.isfinite, losses)):
            self._stop(f"a loss became NaN or Inf in step {self.model.nonfinite_step}")

    def on_epoch_end(self, epoch, logs=None):
        if not checkpoints.all_finite(self.model):
            self._stop("a weight became NaN or Inf in its last steps")

    def _stop(self, reason: str):
        raise TrainingError(
            f"epoch {self._epoch + 1}: {reason} (counted from 0); the last good checkpoint is "
            "still there. Smaller learning rates are the usual cure"
        )
