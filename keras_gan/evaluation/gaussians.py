"""Targets that are known exactly: mixtures of Gaussians."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from keras_gan.core.errors import InputError

_LOG_2_PI = float(np.log(2 * np.pi))


class GaussianMixture:
    """A mixture of round Gaussians.

    Args:
        means: Centers of the modes, float `[modes, d]`, or `[modes]` in one dimension.
        sd: Standard deviation in every direction, > 0; one number, or one for each mode.
        weights: Shares of the modes, `[modes]`, sum 1; equal if not given.
    """

    def __init__(self, means: ArrayLike, sd: ArrayLike, weights: ArrayLike | None = None):
        means = np.asarray(means, np.float64)
        self.means = means[:, None] if means.ndim == 1 else means
        if self.means.ndim != 2 or self.means.size == 0 or not np.isfinite(self.means).all():
            raise InputError(f"`means` must be finite, [modes, d]; received shape {means.shape}")
        self.sd = _one_for_each_mode("sd", sd, self.modes)
        self.weights = _one_for_each_mode(
            "weights", 1 / self.modes if weights is None else weights, self.modes
        )
        if abs(self.weights.sum() - 1) > 1e-9:
            raise InputError(f"`weights` must sum to 1; received a sum of {self.weights.sum():g}")

    @classmethod
    def ring(cls, modes: int = 8, radius: float = 2.0, sd: float = 0.02) -> GaussianMixture:
        """Equal Gaussians at equal distances on a circle."""
        angle = 2 * np.pi * np.arange(modes) / modes
        return cls(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), sd)

    @classmethod
    def grid(cls, side: int = 5, spacing: float = 1.0, sd: float = 0.05) -> GaussianMixture:
        """Equal Gaussians on a square grid of `side * side` places, centered at 0."""
        line = spacing * (np.arange(side) - (side - 1) / 2)
        return cls(np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2), sd)

    @property
    def modes(self) -> int:
        """Number of modes."""
        return len(self.means)

    @property
    def dimension(self) -> int:
        """Dimension of a point."""
        return self.means.shape[1]

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """Draws points, float32 `[n, d]`; the same for the same seed."""
        random = np.random.default_rng(seed)
        mode = random.choice(self.modes, size=n, p=self.weights)
        noise = random.standard_normal((n, self.dimension))
        return (self.means[mode] + self.sd[mode, None] * noise).astype(np.float32)

    def log_density(self, points: ArrayLike) -> np.ndarray:
        """Log density, nats, of points `[n, d]` (in one dimension also `[n]`); float64 `[n]`."""
        deviations = self._deviations(points)
        exponents = (
            np.log(self.weights)
            - 0.5 * deviations**2
            - self.dimension * (np.log(self.sd) + 0.5 * _LOG_2_PI)
        )
        return special.logsumexp(exponents, axis=1)

    def density(self, points: ArrayLike) -> np.ndarray:
        """Density of points `[n, d]` (in one dimension also `[n]`); float64 `[n]`."""
        return np.exp(self.log_density(points))

    def nearest_mode(self, points: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """The mode fewest standard deviations from each point, int `[n]`, and that number."""
        deviations = self._deviations(points)
        mode = deviations.argmin(axis=1)
        return mode, deviations[np.arange(len(deviations)), mode]

    def _deviations(self, points: ArrayLike) -> np.ndarray:
        points = np.asarray(points, np.float64)
        if points.ndim == 1 and self.dimension == 1:
            points = points[:, None]
        if points.shape[1:] != (self.dimension,):
            raise InputError(
                f"`points` must be [n, {self.dimension}]. Received: {list(points.shape)}"
            )
        return np.linalg.norm(points[:, None, :] - self.means, axis=2) / self.sd


def _one_for_each_mode(name: str, numbers: ArrayLike, modes: int) -> np.ndarray:
    numbers = np.asarray(numbers, np.float64)
    if numbers.shape not in ((), (modes,)):
        raise InputError(
            f"`{name}` must be one number or one for each of the {modes} modes; "
            f"received shape {numbers.shape}"
        )
    if not (np.isfinite(numbers).all() and numbers.min() > 0):
        raise InputError(f"`{name}` must be finite and above 0; received {numbers}")
    return np.broadcast_to(numbers, (modes,))
