"""Running means of what a step reports.

All are in one variable: one addition a step instead of dozens of small operations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

# What `fit` and `evaluate` report, each a mean over examples.
SUMMED = (
    "value",
    "d_loss",
    "g_loss",
    "d_real",
    "d_fake",
    "d_real_accuracy",
    "d_fake_accuracy",
)


class RunningMeans:
    """Sums over examples, and their number; made in the strategy's scope.

    Args:
        further: Names of what is summed beside `SUMMED`.
    """

    def __init__(self, further: Sequence[str] = ()):
        self.names = (*SUMMED, *further)
        self.totals = keras.Variable(self._zeros(), trainable=False, name="totals")

    def _zeros(self) -> tf.Tensor:
        return tf.zeros(len(self.names) + 1)

    def add(self, sums: dict[str, tf.Tensor], rows: tf.Tensor) -> None:
        """Adds the sums over `rows` examples."""
        self.totals.assign_add(tf.stack([*(sums[name] for name in self.names), rows]))

    def reset(self) -> None:
        """Begins anew."""
        self.totals.assign(self._zeros())

    def metrics(self) -> list[keras.metrics.Metric]:
        """One metric for each quantity, and `jsd_bound`, which follows from the value."""
        return [_Mean(self, name) for name in (*self.names, "jsd_bound")]


class _Mean(keras.metrics.Metric):
    """The running mean of one quantity; the table is filled by the model."""

    def __init__(self, table: RunningMeans, name: str):
        super().__init__(name=name)
        self._table = table
        self._column = table.names.index("value" if name == "jsd_bound" else name)

    def update_state(self, *args, **kwargs):
        """Refuses: a step updates all means at once."""
        raise RuntimeError("the model fills its running means itself")

    def result(self):
        """The mean so far; `jsd_bound` is (V + log 4) / 2, equation (3) for this D."""
        totals = self._table.totals.value
        mean = tf.math.divide_no_nan(totals[self._column], totals[-1])
        return (mean + math.log(4)) / 2 if self.name == "jsd_bound" else mean

    def reset_state(self):
        """Begins all means of the table anew."""
        self._table.reset()
