"""Parity: an artifact gives the Keras model's numbers, in another runtime, at two batch sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from export.signatures import Arrays, Signature
from keras_gan import InputError

BATCH_SIZES = (1, 33)
_MIXED = 1e-3  # more than rounding, which differs between batch sizes
_LEVEL = 1 / 255  # a number that is rounded the other way changes a byte of a PNG by one

Requests = Sequence[tuple[str, Arrays]]


class ParityError(RuntimeError):
    """An artifact does not give the Keras model's numbers."""


def requests_for(
    signature: Signature, inputs: Arrays, sizes: Sequence[int] = BATCH_SIZES
) -> list[tuple[str, Arrays]]:
    """The signature's requests at each batch size, cut from `inputs` by name."""
    names = [spec.name for spec in signature.inputs]
    return [(signature.name, {name: inputs[name][:n] for name in names}) for n in sizes]


def measure(
    signatures: Sequence[Signature],
    inputs: Arrays,
    run: Callable[[Requests], Sequence[Arrays]],
    tolerance: float,
) -> dict[str, float]:
    """The largest error of each signature.

    Errors are absolute where the reference stays within [-1, 1], as images do, and relative to its
    largest magnitude beyond.

    Raises:
        ParityError: An error is larger than the tolerance.
        InputError: A row of the Keras model depends on the other rows of its batch.
    """
    requests = [request for signature in signatures for request in requests_for(signature, inputs)]
    references = {signature.name: signature.reference for signature in signatures}
    errors: dict[str, float] = {}
    alone: dict[str, Arrays] = {}
    for (name, given), answer in zip(requests, run(requests), strict=True):
        expected = references[name](given)
        for alias, reference in expected.items():
            # An image with NaN is an empty PNG.
            if not (reference.all() if reference.dtype == object else np.isfinite(reference).all()):
                raise InputError(
                    f"{name} of the Keras model gives {alias} with NaN or infinite values; its "
                    "training failed: export other --weights, or train again"
                )
        _check_rows(name, alone.setdefault(name, expected), expected)
        if sorted(expected) != sorted(answer):
            raise ParityError(f"{name} gives {sorted(answer)} instead of {sorted(expected)}")
        for alias, reference in expected.items():
            allowed = tolerance + (_LEVEL if reference.dtype == object else 0)
            error = _error(answer[alias], reference)
            if not error <= allowed:
                raise ParityError(
                    f"{name} differs from the Keras model: {alias} by {error:.1e} at batch size "
                    f"{len(reference)} (at most {allowed:.0e} is allowed)"
                )
            errors[name] = max(error, errors.get(name, 0.0))
    return errors


def _check_rows(name: str, alone: Arrays, together: Arrays) -> None:
    """Refuses a first row that is another one together with more rows than alone."""
    for alias, row in alone.items():
        error = _error(together[alias][:1], row)
        if error > _MIXED + (_LEVEL if row.dtype == object else 0):
            raise InputError(
                f"a row of {name} must depend on its own inputs alone, because servers combine "
                f"requests; leave out layers that compare rows, such as MinibatchStd. Received: "
                f"{alias} of a row that differs by {error:.1e} alone and in a batch"
            )


def _error(answer: np.ndarray, reference: np.ndarray) -> float:
    if reference.dtype == object:
        answer, reference = _pixels(answer), _pixels(reference)
    if answer.shape != reference.shape or answer.dtype != reference.dtype:
        return float("inf")
    scale = max(1.0, float(np.max(np.abs(reference), initial=0.0)))
    return float(np.max(np.abs(answer - reference), initial=0.0)) / scale


def _pixels(files: np.ndarray) -> np.ndarray:
    decoded = [tf.io.decode_png(file).numpy() for file in files]
    return np.stack(decoded).astype(np.float32) / 255
