"""Running means of what a step reports.

All are in one variable: one addition in each step instead of dozens of small operations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from keras_gan.core.errors import InputError

# What `fit` and `evaluate` always report, each a mean over examples.
REPORTED = ("d_loss", "g_loss", "d_real", "d_fake", "d_real_accuracy", "d_fake_accuracy", "value")
_COLUMNS = 64


class RunningMeans:
    """Sums over examples and their number; made in the strategy's scope.

    Args:
        names: The quantities that a step is known to report; it may report more.
        user_metrics: Keras metrics that steps update themselves.

    Attributes:
        totals: float32 `[64]`: the number of examples, the sums in the order of `names`, zeros.
        names: The names of the quantities.
        metrics: The known quantities and `jsd_bound` as Keras metrics.
    """

    def __init__(self, names: Sequence[str], user_metrics: Sequence[keras.metrics.Metric] = ()):
        self.names = list(names)
        self.user_metrics = list(user_metrics)
        self.totals = keras.Variable(tf.zeros(_COLUMNS), trainable=False, name="totals")
        # Those of `evaluate` come first: Keras gives its results by their places in this list.
        known = (*REPORTED, "jsd_bound")
        ordered = [*known, *(name for name in names if name not in known)]
        self.metrics = [RunningMean(self, name) for name in ordered]

    def sums(self, means: Mapping[str, tf.Tensor], rows: tf.Tensor) -> tf.Tensor:
        """The number of rows and the sums over them, float32 `[1 + len(names)]`."""
        self.names += sorted(name for name in means if name not in self.names)
        if len(self.names) >= _COLUMNS:
            raise InputError(f"a step can report {_COLUMNS - 1} quantities. Received: {self.names}")
        values = [tf.cast(means.get(name, 0.0), tf.float32) for name in self.names]
        # In `evaluate` a replica may have no rows, and then no means.
        return tf.math.multiply_no_nan(tf.stack([1.0, *values]), rows)

    def add(self, sums: tf.Tensor) -> None:
        """Adds the sums of all replicas."""
        self.totals.assign_add(tf.pad(sums, [[0, _COLUMNS - len(self.names) - 1]]))

    def losses(self, sums: tf.Tensor) -> tf.Tensor:
        """The sum of all losses, a float32 scalar."""
        columns = [1 + i for i, name in enumerate(self.names) if name.endswith("_loss")]
        return tf.reduce_sum(tf.gather(sums, columns))

    def mean(self, name: str) -> tf.Tensor:
        """The mean of one quantity so far, a float32 scalar; 0 before the first step."""
        totals = self.totals.value
        return tf.math.divide_no_nan(totals[1 + self.names.index(name)], totals[0])

    def reset(self) -> None:
        """Starts again."""
        self.totals.assign(tf.zeros(_COLUMNS))


def jensen_shannon_bound(value: tf.Tensor) -> tf.Tensor:
    """(V + log 4) / 2: for this D a lower bound of the Jensen-Shannon divergence, equation (3)."""
    return (value + math.log(4)) / 2


class RunningMean(keras.metrics.Metric):
    """One of the running means as a Keras metric; `jsd_bound` is computed from `value`.

    Args:
        means: The table that the model fills.
        name: Name of the quantity.
    """

    def __init__(self, means: RunningMeans, name: str):
        super().__init__(name=name)
        self._means = means

    def update_state(self, *args, **kwargs):
        """Refuses: a step updates all means at once."""
        raise RuntimeError("the model fills its running means itself")

    def result(self):
        """The mean so far."""
        if self.name == "jsd_bound":
            return jensen_shannon_bound(self._means.mean("value"))
        return self._means.mean(self.name)

    def reset_state(self):
        """Starts all means of the table again."""
        self._means.reset()
