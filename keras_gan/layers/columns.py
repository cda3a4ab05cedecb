"""A part of vectors."""

from __future__ import annotations

import keras

from keras_gan.core.arguments import integer
from keras_gan.core.errors import InputError


@keras.saving.register_keras_serializable("keras_gan")
class Columns(keras.layers.Layer):
    """Components of vectors, from one to before another.

    Args:
        start: First component, at least 0.
        stop: The one after the last.

    Input: float `[n, d]`, d at least `stop`. Output: float `[n, stop - start]`.
    """

    def __init__(self, start: int, stop: int, **kwargs):
        super().__init__(**kwargs)
        start, stop = integer("start", start), integer("stop", stop)
        if not 0 <= start < stop:
            raise InputError(
                f"columns need 0 <= `start` < `stop`. Received: start={start}, stop={stop}"
            )
        self.start = start
        self.stop = stop

    def build(self, input_shape):
        if len(input_shape) != 2 or input_shape[1] < self.stop:
            raise InputError(
                f"the input must be vectors of at least `stop`={self.stop} components. "
                f"Received: shape {tuple(input_shape)}"
            )
        self.built = True

    def call(self, inputs):
        return inputs[:, self.start : self.stop]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.stop - self.start)

    def get_config(self) -> dict:
        return {**super().get_config(), "start": self.start, "stop": self.stop}
