"""How well missing pixels are filled in: arrays in, numbers out (section 7 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError


@dataclass(frozen=True)
class InpaintingQuality:
    """Images inpainted under one mask, compared with what needs no generator.

    Squared errors are sums over the missing pixels of one image, means over images. Spreads are
    standard deviations of a missing pixel (root of the mean variance over pixels and images).
    """

    images: int
    draws: int  # of each image
    missing: int  # numbers of an image
    squared_error: float  # of the mean of an image's inpaintings
    squared_error_of_one: float
    squared_error_of_nearest: float  # of the training image nearest on the known pixels
    squared_error_of_mean: float  # of the mean training image
    spread: float  # over the draws of one image
    spread_within_class: float | None  # over the images of one class; None without labels


def inpainting_quality(
    truth: ArrayLike,
    mask: ArrayLike,
    drawn: ArrayLike,
    *,
    nearest: ArrayLike,
    mean: ArrayLike,
    labels: ArrayLike | None = None,
) -> InpaintingQuality:
    """Measures inpaintings.

    Args:
        truth: The whole images, float `[n, h, w, c]`.
        mask: Which pixels are known, bool `[h, w, 1]`.
        drawn: Inpaintings, `[draws, n, h, w, c]`, two draws or more.
        nearest: For each image the training image nearest on its known pixels, `[n, h, w, c]`.
        mean: The mean training image, `[h, w, c]`.
        labels: Classes of the images, int `[n]`, -1 where unknown.
    """
    truth, drawn = np.asarray(truth, np.float64), np.asarray(drawn, np.float64)
    nearest, mean = np.asarray(nearest, np.float64), np.asarray(mean, np.float64)
    mask = np.asarray(mask, bool)
    labels = None if labels is None else np.asarray(labels)
    for name, array, shape in (
        ("mask", mask, (*truth.shape[1:3], 1)),
        ("nearest", nearest, truth.shape),
        ("mean", mean, truth.shape[1:]),
        ("labels", labels, truth.shape[:1]),
    ):
        if array is not None and array.shape != shape:
            raise InputError(
                f"`{name}` must have shape {shape} for `truth` of shape {truth.shape}. "
                f"Received: {array.shape}"
            )
    mask = np.broadcast_to(mask, truth.shape[1:])
    if drawn.ndim != truth.ndim + 1 or drawn.shape[1:] != truth.shape or len(drawn) < 2:
        raise InputError(
            f"`drawn` must be two or more draws of `truth`, {truth.shape}. Received: {drawn.shape}"
        )
    if mask.all():
        raise InputError("`mask` leaves nothing to fill in: no pixel is missing")
    if (drawn[:, :, mask] != truth[:, mask]).any():
        raise InputError("`drawn` must leave the known pixels as they are")
    missing = truth[:, ~mask]
    guesses = drawn[:, :, ~mask]

    def error(guess: np.ndarray) -> float:
        return float(np.square(guess - missing).sum(axis=-1).mean())

    within = None
    known = np.empty(0) if labels is None else labels[labels >= 0]
    classes = np.unique(known)
    if len(known) > len(classes):
        parts = [missing[labels == c].var(axis=0) * np.sum(labels == c) for c in classes]
        # As `spread`, without bias: each class has used one image for its mean.
        within = float(np.sqrt(np.sum(parts, axis=0).mean() / (len(known) - len(classes))))
    return InpaintingQuality(
        images=len(truth),
        draws=len(drawn),
        missing=missing.shape[1],
        squared_error=error(guesses.mean(axis=0)),
        squared_error_of_one=error(guesses),
        squared_error_of_nearest=error(nearest[:, ~mask]),
        squared_error_of_mean=error(mean[~mask]),
        spread=float(np.sqrt(guesses.var(axis=0, ddof=1).mean())),
        spread_within_class=within,
    )
