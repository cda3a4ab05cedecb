"""Learning rates of both networks by the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import keras

from keras_gan.core.errors import InputError

_NETWORKS = ("generator", "discriminator")
Rates = Mapping[str, float]


class LearningRateScheduler(keras.callbacks.Callback):
    """Sets the learning rates of both optimizers before each epoch.

    What `keras.callbacks.LearningRateScheduler` is for a model with one optimizer. The logs of an
    epoch get its rates as `generator_learning_rate` and `discriminator_learning_rate`. For a
    schedule of every update, give the optimizers one of `keras_gan.optimizers.schedules` instead.

    Args:
        schedule: From the epoch, counted from 0, and the present rates by network, "generator" and
            "discriminator", to the new rates; a network that it leaves out retains its rate, or its
            schedule.

    Raises:
        InputError: In `fit`, where an optimizer has a schedule of its own, or for a rate that is
            not a finite number of at least 0.

    Example:
        >>> halve = lambda epoch, rates: {name: rate / 2 for name, rate in rates.items()}
        >>> gan.fit(images, epochs=5, callbacks=[LearningRateScheduler(halve)])
    """

    def __init__(self, schedule: Callable[[int, Rates], Rates]):
        super().__init__()
        self._schedule = schedule

    def on_epoch_begin(self, epoch, logs=None):
        new = self._schedule(epoch, self._rates())
        if not isinstance(new, Mapping) or not set(new) <= set(_NETWORKS):
            raise InputError(
                "`schedule` must return a dict with 'generator', 'discriminator' or both. "
                f"Received: {new!r}"
            )
        for name, rate in new.items():
            if not 0 <= float(rate) < math.inf:
                raise InputError(
                    f"`schedule` must return finite rates of at least 0. Received: {rate} for the "
                    f"{name} in epoch {epoch}"
                )
            try:
                self._optimizer(name).learning_rate = float(rate)
            except TypeError as error:  # as Keras refuses where there is a schedule
                raise InputError(
                    f"the {name}'s optimizer has a learning rate schedule; give it a number to use "
                    "LearningRateScheduler"
                ) from error

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs.update({f"{name}_learning_rate": rate for name, rate in self._rates().items()})

    def _rates(self) -> dict[str, float]:
        return {name: float(self._optimizer(name).learning_rate) for name in _NETWORKS}

    def _optimizer(self, name: str) -> keras.Optimizer:
        return getattr(self.model, f"{name}_optimizer")
