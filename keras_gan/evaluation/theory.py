"""Section 4 of the paper as functions of densities: equations (1) to (3).

A density is an array of numbers of at least 0 over cells; those that belong together have one
shape. `width` is the measure of a cell: 1 for a discrete distribution, the spacing for a density on
a one-dimensional grid. All information is in nats. Other arrays raise `InputError`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from keras_gan.core.errors import InputError

LOG_4 = float(np.log(4.0))

# How far from 1 a density may integrate: room for the tails that a grid leaves out.
_MASS_TOLERANCE = 1e-3


def optimal_discriminator(p_data: ArrayLike, p_g: ArrayLike) -> np.ndarray:
    """`D*(x) = p_data(x) / (p_data(x) + p_g(x))`: equation (2), Proposition 1.

    Where both densities are 0 the expression is 0/0 and no value changes `V`; 1/2 is returned
    there: the odds of a balanced mixture before x is seen. float64 of the densities' shape.
    """
    p_data, p_g = _density("p_data", p_data), _density("p_g", p_g)
    _same_shape(p_data=p_data, p_g=p_g)
    # Scaled by the larger, so that neither the sum nor the quotient over- or underflows.
    scale = np.maximum(p_data, p_g)
    known = scale > 0
    real = np.divide(p_data, scale, out=np.ones_like(scale), where=known)
    fake = np.divide(p_g, scale, out=np.ones_like(scale), where=known)
    return real / (real + fake)


def optimal_logit(p_data: ArrayLike, p_g: ArrayLike) -> np.ndarray:
    """The logit of D*, `log p_data(x) - log p_g(x)`; 0 where both densities are 0.

    D* itself rounds to 1 where `p_data` is 1e16 times `p_g`; its logit is infinite only where one
    density is 0. float64 of the densities' shape.
    """
    p_data, p_g = _density("p_data", p_data), _density("p_g", p_g)
    _same_shape(p_data=p_data, p_g=p_g)
    known = np.maximum(p_data, p_g) > 0
    with np.errstate(divide="ignore"):  # log 0 = -inf is meant
        log_data, log_g = (
            np.log(density, where=known, out=np.zeros_like(density)) for density in (p_data, p_g)
        )
    return log_data - log_g


def value(p_data: ArrayLike, p_g: ArrayLike, *, logits: ArrayLike, width: ArrayLike = 1.0) -> float:
    """`V(D, G) = E_data[log D(x)] + E_g[log(1 - D(x))]`: equation (1).

    `logits` are D's at each cell, `log(D(x) / (1 - D(x)))`; they may be infinite. From D(x) itself
    the value would be lost: one that rounds to 1 gives `log(1 - D(x))` of minus infinity. The value
    lies in `[-inf, 0]`; it is minus infinity where D is certain and wrong.
    """
    p_data, p_g = _distribution("p_data", p_data, width), _distribution("p_g", p_g, width)
    logits = _numbers("logits", logits)
    _same_shape(p_data=p_data, p_g=p_g, logits=logits)
    if np.isnan(logits).any():
        raise InputError("`logits` must be numbers, also infinite ones; received NaN")
    cells = _times(p_data, special.log_expit(logits)) + _times(p_g, special.log_expit(-logits))
    return float(np.sum(cells * width))


def jensen_shannon(p: ArrayLike, q: ArrayLike, width: ArrayLike = 1.0) -> float:
    """Jensen-Shannon divergence of two densities, in `[0, log 2]`."""
    p, q = _distribution("p", p, width), _distribution("q", q, width)
    _same_shape(p=p, q=q)
    # p over the mean of p and q is twice the optimal discriminator, which cannot underflow.
    of_p = special.xlogy(p, 2 * optimal_discriminator(p, q))
    of_q = special.xlogy(q, 2 * optimal_discriminator(q, p))
    return max(0.0, 0.5 * float(np.sum((of_p + of_q) * width)))


def criterion(p_data: ArrayLike, p_g: ArrayLike, width: ArrayLike = 1.0) -> float:
    """`C(G) = max_D V(D, G) = -log 4 + 2 JSD(p_data || p_g)`: equation (3).

    It goes from `-log 4` (only at `p_g = p_data`, Theorem 1) to 0 (no common support).
    """
    return -LOG_4 + 2.0 * jensen_shannon(p_data, p_g, width)


def _times(density: np.ndarray, log: np.ndarray) -> np.ndarray:
    """The product, 0 where the density is 0, whatever the logarithm."""
    return np.multiply(density, log, where=density > 0, out=np.zeros_like(density))


def _numbers(name: str, values: ArrayLike) -> np.ndarray:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"`{name}` must be an array of numbers. Received: {values!r}") from None


def _density(name: str, density: ArrayLike) -> np.ndarray:
    density = _numbers(name, density)
    if density.size == 0 or not np.isfinite(density).all() or density.min() < 0:
        raise InputError(f"`{name}` must be finite, at least 0 and not empty")
    return density


def _distribution(name: str, density: ArrayLike, width: ArrayLike = 1.0) -> np.ndarray:
    density = _density(name, density)
    widths = _numbers("width", width)
    try:
        mass = float(np.sum(density * np.broadcast_to(widths, density.shape)))
    except ValueError:
        raise InputError(
            f"`width` must be one number, or one for each cell of shape {density.shape}. "
            f"Received: shape {widths.shape}"
        ) from None
    if not abs(mass - 1) <= _MASS_TOLERANCE:
        raise InputError(
            f"`{name}` must integrate to 1, and it gives {mass:.6g}: normalize it, "
            "or let the grid reach further and give its spacing as `width`"
        )
    return density


def _same_shape(**arrays: np.ndarray) -> None:
    if len({array.shape for array in arrays.values()}) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InputError(f"arrays must have one shape; received {shapes}")
