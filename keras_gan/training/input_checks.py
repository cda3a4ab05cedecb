"""Checks of examples and labels in `fit` and `evaluate`, as arrays and as batches.

An error in a batch travels through TensorFlow as its text: see `input_error`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_gan.conditioning import LabelCheck
from keras_gan.core.errors import InputError

_LARGEST = 20.0  # images above it without a negative value were never scaled
_NOT_FINITE = "NaN or Inf (in float32)"
_SCALE = (
    "bring pixels to the scale of the generator's output, in float32: `x / 255` (sigmoid) or "
    "`x / 127.5 - 1` (tanh)"
)
_UNSCALED = f"pixels 0..255: {_SCALE}"
_BEGIN, _END = "<keras_gan: ", " :keras_gan>"  # around a message of ours within TensorFlow's


def checked_array(x: Any, example_shape: Sequence[int] | None = None) -> np.ndarray:
    """Float examples `[n, ...]` in memory, of the shape if one is given, checked, as float32."""
    if isinstance(x, Mapping):
        raise InputError(f"the data must be one array, not a dict object: give `{_entry('x', x)}`")
    try:
        x = np.asarray(x)
    except ValueError as error:  # a list of arrays of several shapes
        raise InputError("the data must be one array of float examples [n, ...]") from error
    if x.ndim < 2 or not np.issubdtype(x.dtype, np.floating):
        advice = f"; {_SCALE}" if np.issubdtype(x.dtype, np.integer) else ""
        raise InputError(
            f"the data must be float examples [n, ...]{advice}. "
            f"Received: {x.dtype} of shape {x.shape}"
        )
    if not x.size:
        raise InputError(f"the data are empty: shape {x.shape}")
    if example_shape is not None:
        check_shape(x.shape[1:], example_shape)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes Inf
        x = x.astype(np.float32, copy=False)
    least, largest = x.min(), x.max()  # NaN where there is one
    if not (np.isfinite(least) and np.isfinite(largest)):
        finite = np.isfinite(x).all(axis=tuple(range(1, x.ndim)))
        raise InputError(f"example {np.argmin(finite)} of the data holds {_NOT_FINITE}")
    if x.ndim == 4 and _is_unscaled(least, largest):
        raise InputError(
            f"the data look like {_UNSCALED}. Received: values from {least:g} to {largest:g}"
        )
    return x


def _entry(name: str, x: Mapping) -> str:
    """How to take the first entry of a dict of that name."""
    return f"{name}[{next(iter(x), 'x')!r}]"


def checked_labels(y: Any, examples: int, label_check: LabelCheck | None) -> np.ndarray | None:
    """Labels in memory, of as many examples and the kind needed, or None."""
    require_labels(y is not None, label_check)
    if y is None:
        return None
    y = np.asarray(y)
    if y.ndim < 1 or len(y) != examples:
        count = len(y) if y.ndim else "no"
        raise InputError(f"there are {examples} examples but {count} labels")
    if label_check is not None:
        y = label_check.squeeze(y)
        label_check.check(y)
    return y


def require_labels(given: bool, label_check: LabelCheck | None) -> None:
    """Refuses data without labels where something uses them."""
    if label_check is not None and not given:
        raise InputError(
            f"{label_check.user} is made from labels: give `y`, or a data set of (x, y)"
        )


def check_shape(shape: Sequence[int | None], example_shape: Sequence[int]) -> None:
    """Refuses examples of another shape than the networks take."""
    if tuple(shape) != tuple(example_shape):
        raise InputError(
            f"the networks take examples of shape {tuple(example_shape)}; "
            f"the data have {tuple(shape)}"
        )


def x_and_y(batch: Any) -> tuple[Any, Any]:
    """Examples and labels of a batch `x`, `(x,)` or `(x, y)`; labels may be None."""
    if not isinstance(batch, (tuple, list)):
        return batch, None
    if len(batch) == 3 and batch[2] is not None:
        raise InputError(
            "sample weights are not used by GAN; give x or (x, y) without a third component"
        )
    if not 1 <= len(batch) <= 3:
        raise InputError(f"a batch must be x or (x, y). Received: {len(batch)} components")
    return batch[0], batch[1] if len(batch) > 1 else None


def checked_batches(
    dataset: tf.data.Dataset, example_shape: Sequence[int], label_check: LabelCheck | None
) -> tf.data.Dataset:
    """Batches `x` or `(x, y)`, with `x` as float32, each checked where it is read."""
    shape = tuple(example_shape)
    x, y = x_and_y(dataset.element_spec)
    if isinstance(x, tf.TensorSpec) and x.shape.rank == len(shape):
        raise InputError(f"the data set gives single examples of shape {x.shape}; call .batch(m)")
    if not isinstance(x, tf.TensorSpec) or x.shape.rank == 0 or not x.dtype.is_floating:
        advice = f"; {_SCALE}" if getattr(x, "dtype", tf.float32).is_integer else ""
        if isinstance(x, Mapping):
            form = "batch: {}" if y is None else "batch, y: ({}, y)"
            advice = f", not a dict: map it with `lambda {form.format(_entry('batch', x))}`"
        raise InputError(
            "a data set must give batches of float examples [m, ...], alone or first in a tuple"
            f"{advice}. Received: {x}"
        )
    if not x.shape[1:].is_compatible_with(shape):
        check_shape(tuple(x.shape[1:]), shape)
    require_labels(y is not None, label_check)
    if label_check is not None:
        if not isinstance(y, tf.TensorSpec) or y.shape.rank is None:
            raise InputError(f"{label_check.user} takes one tensor of labels. Received: {y}")
        label_check.check_type(np.dtype(y.dtype.as_numpy_dtype), y.shape)

    @tf.autograph.experimental.do_not_convert
    def check(number: tf.Tensor, batch: Any) -> Any:
        x, y = x_and_y(batch)
        x = tf.cast(x, tf.float32)
        valid = {
            f"does not hold examples of shape {shape}, which the networks take": tf.reduce_all(
                tf.shape(x)[1:] == tf.constant(shape)
            ),
            f"holds {_NOT_FINITE}": tf.reduce_all(tf.math.is_finite(x)),
        }
        if len(shape) == 3:
            unscaled = _is_unscaled(tf.reduce_min(x), tf.reduce_max(x))
            valid[f"looks like {_UNSCALED}"] = ~unscaled
        labels = [v for v in tf.nest.flatten(y) if isinstance(v, tf.Tensor) and v.shape.rank]
        if labels:
            numbers = [tf.shape(v)[0] == tf.shape(x)[0] for v in labels]
            valid["holds another number of labels than of examples"] = tf.reduce_all(numbers)
        if label_check is not None:
            y = label_check.squeeze(y)
            valid[f"holds labels out of range: {label_check}"] = tf.reduce_all(label_check.valid(y))
        checks = [
            tf.debugging.Assert(holds, [f"{_BEGIN}{fault}{_END}", number])
            for fault, holds in valid.items()
        ]
        with tf.control_dependencies(checks):
            # Copies: else the first replica may write into the NumPy arrays of a user's generator,
            # whose memory TensorFlow takes for tensors of its own.
            x = tf.ensure_shape(tf.raw_ops.DeepCopy(x=x), [None, *shape])
            if label_check is not None:
                y = tf.raw_ops.DeepCopy(x=y)
        return x if y is None else (x, y)

    return dataset.enumerate().map(check)


def input_error(error: tf.errors.OpError) -> InputError | None:
    """The fault of the data that an error of TensorFlow reports, if that is what it reports."""
    message = str(error.message)
    if failed := re.search(rf"{_BEGIN}(.*?){_END}\] \[(\d+)", message):
        fault, batch = failed.groups()
        return InputError(f"batch {batch} of the data set (counted from 0) {fault}")
    raised = re.search(r"\bInputError: (.*)", message)  # in Python code that gives batches
    return InputError(raised[1]) if raised else None


def _is_unscaled(least: Any, largest: Any) -> Any:
    """Whether pixels from `least` to `largest` are evidently 0..255."""
    return (least >= 0) & (largest > _LARGEST) & (largest < math.inf)
