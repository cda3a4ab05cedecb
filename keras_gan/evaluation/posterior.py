"""How well latents are inferred: arrays in, numbers out (section 7 of the paper).

A generator need not use each dimension of z, nor use them along the axes: it may press many latents
into one image. Which directions it uses is told by the gram matrix of its Jacobian, `E[J^T J]`: an
eigenvector's eigenvalue is the mean squared change of the image for a unit step along it. Those of
the largest eigenvalues that carry a share of their sum are *used*; only along them can z be found
from an image at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError
from keras_gan.evaluation.arrays import as_rows

SHARE = 0.95  # of the squared change that the directions called used carry


@dataclass(frozen=True)
class Recovery:
    """Correlation of latents with those inferred, along the directions of G's Jacobian.

    Attributes:
        shares: Share of each direction in the mean squared change of the image, descending, `[d]`.
        correlations: Correlation of the latents' projections with those of the inferred, `[d]`; NaN
            where one of them does not vary.
        used: How many of the first directions are used.
        share: The share that they carry at least.
        examples: Number of pairs.
    """

    shares: tuple[float, ...]
    correlations: tuple[float, ...]
    used: int
    share: float
    examples: int

    @property
    def mean(self) -> float:
        """Mean correlation over the used directions."""
        return float(np.mean(self.correlations[: self.used]))


def recovery(
    latents: ArrayLike, inferred: ArrayLike, gram: ArrayLike, share: float = SHARE
) -> Recovery:
    """Compares latents with those inferred from the images that they gave.

    Args:
        latents: float `[n, d]`.
        inferred: float `[n, d]`.
        gram: `E[J^T J]` of the generator, `[d, d]`.
        share: Share of the trace of `gram` that the used directions carry, in (0, 1].

    Raises:
        InputError: The arrays do not fit together, or the share is outside (0, 1].
    """
    true = as_rows("latents", latents, minimum=2).astype(np.float64)
    estimated = as_rows("inferred", inferred, columns=true.shape[1]).astype(np.float64)
    gram = np.asarray(gram, np.float64)
    if len(estimated) != len(true) or gram.shape != (true.shape[1],) * 2:
        raise InputError(
            "`latents`, `inferred` and `gram` must be [n, d], [n, d] and [d, d]. "
            f"Received: {true.shape}, {estimated.shape} and {gram.shape}"
        )
    if not 0 < share <= 1:
        raise InputError(f"`share` must be in (0, 1]. Received: {share}")
    values, directions = np.linalg.eigh(gram)
    values, directions = np.maximum(values[::-1], 0), directions[:, ::-1]
    shares = values / values.sum()
    used = int(np.searchsorted(np.cumsum(shares), share - 1e-12)) + 1
    one, other = true @ directions, estimated @ directions
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = (one * other).sum(axis=0) / np.sqrt(
            (one**2).sum(axis=0) * (other**2).sum(axis=0)
        )
    return Recovery(tuple(shares.tolist()), tuple(correlations.tolist()), used, share, len(true))


@dataclass(frozen=True)
class Calibration:
    """How often the true latents lie in regions of q that hold a given part of its mass.

    Attributes:
        masses: Mass of each region, those of highest density.
        covered: Share of the true latents within it; equal to the mass where q is right.
        examples: Number of latents.
        draws: Draws of each q by which the regions are known.
    """

    masses: tuple[float, ...]
    covered: tuple[float, ...]
    examples: int
    draws: int


def calibration(
    true_log_density: ArrayLike,
    drawn_log_density: ArrayLike,
    masses: tuple[float, ...] = (0.5, 0.9),
) -> Calibration:
    """Calibration from log densities alone, for q of any kind.

    Args:
        true_log_density: `log q(z | x)` of the true latents, `[n]`.
        drawn_log_density: The same of latents drawn from each q, `[draws, n]`.
        masses: Masses of the regions, in (0, 1).
    """
    truth = np.asarray(true_log_density, np.float64)
    draws = np.asarray(drawn_log_density, np.float64)
    if draws.ndim != 2 or draws.shape[1:] != truth.shape:
        raise InputError(
            f"`drawn_log_density` must be [draws, {len(truth)}]. Received: {draws.shape}"
        )
    denser = (draws > truth).mean(axis=0)  # mass of the region whose edge the truth is on
    covered = tuple(float(np.mean(denser <= mass)) for mass in masses)
    return Calibration(masses, covered, len(truth), len(draws))


@dataclass(frozen=True)
class Reconstruction:
    """Mean squared error of images, summed over the pixels of one, with its standard error.

    Attributes:
        mean: The mean over the images.
        standard_error: Of the mean.
        examples: Number of images.
    """

    mean: float
    standard_error: float
    examples: int


def reconstruction(images: ArrayLike, reconstructed: ArrayLike) -> Reconstruction:
    """The error of reconstructed images, `[n, ...]` both."""
    one = as_rows("images", images, minimum=2)
    other = as_rows("reconstructed", reconstructed, columns=one.shape[1])
    if len(one) != len(other):
        raise InputError(f"there are {len(one)} images, but {len(other)} reconstructed")
    errors = np.square(one - other, dtype=np.float64).sum(axis=1)
    error = errors.std(ddof=1) / np.sqrt(len(errors))
    return Reconstruction(float(errors.mean()), float(error), len(errors))
