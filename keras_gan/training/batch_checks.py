"""Checks of batches in the pipeline that reads them.

What is wrong there travels through TensorFlow as the text of an error: see `input_error`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_gan.core.errors import InputError
from keras_gan.training.input_checks import (
    NOT_FINITE,
    SCALE_FIRST,
    LabelCheck,
    check_shape,
    is_unscaled,
    require_labels,
    x_and_y,
)

_BEGIN, _END = "<keras_gan: ", " :keras_gan>"  # around a message of ours within TensorFlow's


def checked_batches(
    dataset: tf.data.Dataset, example_shape: Sequence[int], label_check: LabelCheck | None
) -> tf.data.Dataset:
    """Batches `x` or `(x, y)`, with `x` as float32, each checked where it is read.

    Args:
        dataset: Batches of float examples, alone or first in a tuple with labels.
        example_shape: Shape of one example.
        label_check: What uses the labels, or None.

    Raises:
        InputError: The data set's type or shape is another.
    """
    x, y = x_and_y(dataset.element_spec)
    _check_spec(x, example_shape)
    require_labels(y is not None, label_check)
    if label_check is not None:
        if not isinstance(y, tf.TensorSpec) or y.shape.rank is None:
            raise InputError(f"{label_check.describe} takes one tensor of labels. Received: {y}")
        label_check.check_type(np.dtype(y.dtype.as_numpy_dtype), y.shape)

    @tf.autograph.experimental.do_not_convert
    def check(number: tf.Tensor, batch: Any) -> Any:
        x, y = x_and_y(batch)
        x = tf.cast(x, tf.float32)
        if label_check is not None:
            y = label_check.squeeze(y)
        checks = [
            tf.debugging.Assert(valid, [f"{_BEGIN}{fault}{_END}", number])
            for valid, fault in _faults(x, y, example_shape, label_check)
        ]
        with tf.control_dependencies(checks):
            x = tf.ensure_shape(tf.identity(x), [None, *example_shape])
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


def _check_spec(x: Any, example_shape: Sequence[int]) -> None:
    """Refuses a data set whose examples cannot be used, as far as its type tells."""
    if isinstance(x, tf.TensorSpec) and x.shape.rank == len(example_shape):
        raise InputError(f"the data set gives single examples of shape {x.shape}; call .batch(m)")
    if isinstance(x, tf.TensorSpec) and x.dtype.is_integer:
        raise InputError(
            f"a data set must give batches of float examples [m, ...]; {SCALE_FIRST}with `data.map("
            "lambda x: tf.cast(x, tf.float32) / 255)` (sigmoid) or `... / 127.5 - 1` (tanh). "
            f"Received: {x.dtype.name} of shape {x.shape}"
        )
    if not isinstance(x, tf.TensorSpec) or x.shape.rank == 0 or not x.dtype.is_floating:
        raise InputError(
            "a data set must give batches of float examples [m, ...], alone or first in a tuple. "
            f"Received: {x}"
        )
    if not x.shape[1:].is_compatible_with(example_shape):
        check_shape(tuple(x.shape[1:]), example_shape)


def _faults(
    x: tf.Tensor, y: Any, example_shape: Sequence[int], label_check: LabelCheck | None
) -> Iterator[tuple[tf.Tensor, str]]:
    """Whether a batch is free of a fault, and the fault."""
    if not x.shape[1:].is_fully_defined():
        yield (
            tf.reduce_all(tf.shape(x)[1:] == tf.constant(tuple(example_shape))),
            f"does not hold examples of shape {tuple(example_shape)}, which the networks take",
        )
    yield tf.reduce_all(tf.math.is_finite(x)), f"holds {NOT_FINITE}"
    if len(example_shape) == 3:
        unscaled = is_unscaled(tf.reduce_min(x), tf.reduce_max(x))
        yield ~unscaled, "looks like pixels 0..255: divide them by 255"
    if label_check is not None:
        fault = f"holds labels out of range: {label_check.describe} takes {label_check.expected}"
        yield tf.reduce_all(label_check.valid(y)), fault
