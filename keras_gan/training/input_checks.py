"""What `fit` and `evaluate` require of examples and labels, and their checks of arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_gan.conditioning.labels import LabelCheck
from keras_gan.core.errors import InputError

_LARGEST = 20.0  # images above it without a negative value were never scaled
NOT_FINITE = "NaN or Inf (in float32)"
SCALE_FIRST = "bring bytes to the scale of the generator's output first, "


def checked_array(x: Any, example_shape: Sequence[int] | None = None) -> np.ndarray:
    """Examples in memory as float32 `[n, ...]`.

    Args:
        x: Float array or tensor `[n, ...]`.
        example_shape: Shape that one must have; None for any.

    Raises:
        InputError: They are not floats, have another shape, or hold NaN, Inf or pixels 0..255.
    """
    try:
        x = np.asarray(x)
    except ValueError as error:  # a list of arrays of several shapes
        raise InputError("the data must be one array of float examples [n, ...]") from error
    if x.ndim < 2 or not np.issubdtype(x.dtype, np.floating):
        raise InputError(
            f"the data must be float examples [n, ...]; {SCALE_FIRST}with `x = "
            "x.astype('float32') / 255` (sigmoid) or `x = x.astype('float32') / 127.5 - 1` (tanh). "
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
        raise InputError(f"example {np.argmin(finite)} of the data holds {NOT_FINITE}")
    if x.ndim == 4 and is_unscaled(least, largest):
        raise InputError(
            "the data look like pixels 0..255: divide them by 255, or scale them as the "
            f"generator's output. Received: values from {least:g} to {largest:g}"
        )
    return x


def checked_labels(y: Any, examples: int, label_check: LabelCheck | None) -> np.ndarray | None:
    """Labels in memory, of as many examples, or None.

    Raises:
        InputError: They are needed and not given, of another number, or not of the kind needed.
    """
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
    """Refuses data without labels where something uses them.

    Raises:
        InputError: There are none.
    """
    if label_check is not None and not given:
        raise InputError(
            f"{label_check.describe} is made from labels: give `y`, or a data set of (x, y)"
        )


def x_and_y(batch: Any) -> tuple[Any, Any]:
    """Examples and labels of a batch `x`, `(x,)` or `(x, y)`; labels may be None.

    Raises:
        InputError: It brings sample weights, or more.
    """
    if not isinstance(batch, (tuple, list)):
        return batch, None
    if len(batch) == 3 and batch[2] is not None:
        raise InputError(
            "sample weights are not used by GAN; give x or (x, y) without a third component"
        )
    if not 1 <= len(batch) <= 3:
        raise InputError(f"a batch must be x or (x, y). Received: {len(batch)} components")
    return batch[0], batch[1] if len(batch) > 1 else None


def check_shape(shape: Sequence[int | None], example_shape: Sequence[int]) -> None:
    """Refuses examples of another shape than the networks take.

    Raises:
        InputError: The shapes differ.
    """
    if tuple(shape) != tuple(example_shape):
        raise InputError(
            f"the networks take examples of shape {tuple(example_shape)}; "
            f"the data have {tuple(shape)}"
        )


def is_unscaled(least: Any, largest: Any) -> Any:
    """Whether pixels from `least` to `largest` are evidently 0..255."""
    return (least >= 0) & (largest > _LARGEST) & (largest < math.inf)
