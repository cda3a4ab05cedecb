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
MASSES = (0.5, 0.9)  # of the regions that a calibration looks at


@dataclass(frozen=True)
class Recovery:
    """Correlation of latents with those inferred, along the directions of G's Jacobian."""

    shares: tuple[float, ...]  # of the directions in the image's mean squared change, descending
    correlations: tuple[float, ...]  # of projections on them; NaN where one does not vary
    used: int  # how many of the first directions are used
    share: float  # what they carry at least
    examples: int

    @property
    def mean(self) -> float:
        """Mean correlation over the used directions."""
        return float(np.mean(self.correlations[: self.used]))


def recovery(
    latents: ArrayLike, inferred: ArrayLike, gram: ArrayLike, share: float = SHARE
) -> Recovery:
    """Compares latents `[n, d]` with those inferred from the images that they gave.

    `gram` is `E[J^T J]` of the generator, `[d, d]`; the used directions carry `share` of its trace.
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
    """How often the true latents lie in regions of q that hold a given part of its mass."""

    masses: tuple[float, ...]  # of each region, those of highest density
    covered: tuple[float, ...]  # share of the true latents in it: the mass where q is right
    examples: int
    draws: int  # of each q, by which the regions are known


def calibration(true_log_density: ArrayLike, drawn_log_density: ArrayLike) -> Calibration:
    """Calibration from log densities alone, for q of any kind.

    They are `log q(z | x)` of the true latents `[n]`, and of those drawn from each q, `[draws, n]`.
    """
    truth = np.asarray(true_log_density, np.float64)
    draws = np.asarray(drawn_log_density, np.float64)
    if np.isnan(truth).any() or np.isnan(draws).any():
        raise InputError("`true_log_density` and `drawn_log_density` must not hold NaN")
    if draws.ndim != 2 or draws.shape[1:] != truth.shape:
        raise InputError(
            f"`drawn_log_density` must be [draws, {len(truth)}]. Received: {draws.shape}"
        )
    denser = (draws > truth).mean(axis=0)  # mass of the region whose edge the truth is on
    covered = tuple(float(np.mean(denser <= mass)) for mass in MASSES)
    return Calibration(MASSES, covered, len(truth), len(draws))


@dataclass(frozen=True)
class Reconstruction:
    """Mean squared error of images, summed over the pixels of one, with its standard error."""

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
