"""Section 4 of the paper as functions of densities: equations (1) to (3) and Proposition 2.

A density is an array of non-negative numbers over cells. `width` is the measure of a cell: 1 for a
discrete distribution, the spacing for a density on a one-dimensional grid. All information is in
nats.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    there: the odds of a balanced mixture before x is seen.

    Args:
        p_data: Density of the data, any shape.
        p_g: Density of the generator, the same shape and measure.

    Returns:
        float64 of that shape, in `[0, 1]`.

    Raises:
        InputError: For shapes that differ, negative or non-finite densities.
    """
    p_data, p_g = _density("p_data", p_data), _density("p_g", p_g)
    _same_shape(p_data=p_data, p_g=p_g)
    # Scaled by the larger, so that neither the sum nor the quotient over- or underflows.
    scale = np.maximum(p_data, p_g)
    known = scale > 0
    real = np.divide(p_data, scale, out=np.ones_like(scale), where=known)
    fake = np.divide(p_g, scale, out=np.ones_like(scale), where=known)
    return real / (real + fake)


def value(
    p_data: ArrayLike, p_g: ArrayLike, discriminator: ArrayLike, width: ArrayLike = 1.0
) -> float:
    """`V(D, G) = E_data[log D(x)] + E_g[log(1 - D(x))]`: equation (1).

    Args:
        p_data: Density of the data.
        p_g: Density of the generator, same shape.
        discriminator: `D(x)` in `[0, 1]` at each cell, same shape.
        width: Measure of each cell.

    Returns:
        Nats, in `[-inf, 0]`; minus infinity where D is certain and wrong.

    Raises:
        InputError: For shapes that differ, a D outside `[0, 1]` or a density that does not
            integrate to 1.
    """
    p_data, p_g = _distribution("p_data", p_data, width), _distribution("p_g", p_g, width)
    discriminator = _density("discriminator", discriminator)
    _same_shape(p_data=p_data, p_g=p_g, discriminator=discriminator)
    if discriminator.max() > 1:
        raise InputError(
            f"`discriminator` must lie in [0, 1]; its largest value is {discriminator.max():g}: "
            "give probabilities, not logits"
        )
    cells = special.xlogy(p_data, discriminator) + special.xlog1py(p_g, -discriminator)
    return float(np.sum(cells * width))


def jensen_shannon(p: ArrayLike, q: ArrayLike, width: ArrayLike = 1.0) -> float:
    """Jensen-Shannon divergence of two densities.

    Args:
        p: A density.
        q: Another, same shape.
        width: Measure of each cell.

    Returns:
        Nats, in `[0, log 2]`.

    Raises:
        InputError: For shapes that differ or a density that does not integrate to 1.
    """
    p, q = _distribution("p", p, width), _distribution("q", q, width)
    _same_shape(p=p, q=q)
    # p over the mean of p and q is twice the optimal discriminator, which cannot underflow.
    of_p = special.xlogy(p, 2 * optimal_discriminator(p, q))
    of_q = special.xlogy(q, 2 * optimal_discriminator(q, p))
    return max(0.0, 0.5 * float(np.sum((of_p + of_q) * width)))


def criterion(p_data: ArrayLike, p_g: ArrayLike, width: ArrayLike = 1.0) -> float:
    """`C(G) = max_D V(D, G) = -log 4 + 2 JSD(p_data || p_g)`: equation (3).

    Args:
        p_data: Density of the data.
        p_g: Density of the generator, same shape.
        width: Measure of each cell.

    Returns:
        Nats, from `-log 4` (only at `p_g = p_data`, Theorem 1) to 0 (no common support).
    """
    return -LOG_4 + 2.0 * jensen_shannon(p_data, p_g, width)


@dataclass(frozen=True)
class SampledJensenShannon:
    """A Jensen-Shannon divergence estimated from two sets of samples.

    Attributes:
        value: The histograms' divergence, nats. Coarse bins can only lower it, few samples raise
            it.
        bias: By how much few samples raise `value` on average, nats, to first order in 1/n (for
            equal distributions `(cells - 1) (1/n + 1/m) / 8`).
        samples: Numbers of samples of the two sets.
        bins: Number of equal bins of the interval; what lies below and above it are two further
            cells.
        interval: Ends of the binned interval.
        outside: Share of each set outside the interval.
    """

    value: float
    bias: float
    samples: tuple[int, int]
    bins: int
    interval: tuple[float, float]
    outside: tuple[float, float]

    @property
    def criterion(self) -> float:
        """Equation (3) with this divergence, nats."""
        return -LOG_4 + 2.0 * self.value


def sampled_jensen_shannon(
    real: ArrayLike,
    fake: ArrayLike,
    *,
    bins: int = 100,
    interval: tuple[float, float] | None = None,
) -> SampledJensenShannon:
    """Jensen-Shannon divergence of two sets of one-dimensional samples, by histograms.

    Args:
        real: Samples of the data, float `[n]` or `[n, 1]`.
        fake: Samples of the generator, float `[m]` or `[m, 1]`.
        bins: Number of equal bins, at least 1.
        interval: Ends of the binned interval; both sets' whole range if not given.

    Returns:
        The estimate with its first-order bias and its protocol.

    Raises:
        InputError: For sets that are empty, not one-dimensional or not finite, and for an empty
            interval.
    """
    real, fake = _numbers("real", real), _numbers("fake", fake)
    if bins < 1:
        raise InputError(f"`bins` must be at least 1; received {bins}")
    if interval is None:
        low, high = min(real.min(), fake.min()), max(real.max(), fake.max())
        interval = (float(low), float(high if high > low else low + 1.0))
    if not interval[0] < interval[1]:
        raise InputError(f"`interval` must be (low, high) with low < high; received {interval}")
    edges = np.linspace(*interval, bins + 1)
    p, p_outside = _histogram(real, edges)
    q, q_outside = _histogram(fake, edges)
    return SampledJensenShannon(
        value=jensen_shannon(p, q),
        bias=_plug_in_bias(p, q, len(real), len(fake)),
        samples=(len(real), len(fake)),
        bins=bins,
        interval=interval,
        outside=(p_outside, q_outside),
    )


@dataclass(frozen=True)
class Descent:
    """The course of Proposition 2's iteration.

    Attributes:
        p_g: The generator's distribution before each update and after the last, `[updates + 1,
            cells]`.
        criterion: `C(G)` of each of them, nats, `[updates + 1]`.
    """

    p_g: np.ndarray
    criterion: np.ndarray


def proposition_2(
    p_data: ArrayLike, p_g: ArrayLike, *, rate: float = 0.1, updates: int = 200
) -> Descent:
    """Lets a tabular `p_g` descend `C(G)` with D optimal at every update: Proposition 2.

    At `D*` the gradient of `V` with respect to `p_g(x)` is `log(1 - D*(x))`. The update is the
    multiplicative one (mirror descent), which stays on the simplex:

        p_g(x) <- p_g(x) (1 - D*(x))^-rate / Z

    `C` bends at most as much as the negative entropy does, so every `rate <= 1` is small enough:
    `C` never rises and `p_g` converges to `p_data`. Near the end an update shrinks the difference
    by the factor `1 - rate / 2`.

    Args:
        p_data: Probabilities of the data, `[cells]`, sum 1.
        p_g: Probabilities to start from, `[cells]`, above 0 wherever `p_data` is: elsewhere
            the gradient is infinite.
        rate: Step size, in `(0, 1]`.
        updates: Number of updates, at least 1.

    Returns:
        Every distribution on the way and its criterion.

    Raises:
        InputError: For a start without mass where the data has some, or a rate outside `(0, 1]`.
    """
    p_data, p_g = _distribution("p_data", p_data), _distribution("p_g", p_g)
    _same_shape(p_data=p_data, p_g=p_g)
    if not 0 < rate <= 1:
        raise InputError(f"`rate` must be in (0, 1]; received {rate}")
    if updates < 1:
        raise InputError(f"`updates` must be at least 1; received {updates}")
    if np.any((p_g == 0) & (p_data > 0)):
        cell = int(np.flatnonzero((p_g == 0) & (p_data > 0))[0])
        raise InputError(
            f"`p_g` must start above 0 wherever `p_data` is; it is 0 in cell {cell}: "
            "mix in a little of every cell"
        )
    course = [p_g]
    for _ in range(updates):
        # 1 - D* is D* with the roles exchanged, which keeps its digits where D* is close to 1.
        gradient = np.log(optimal_discriminator(course[-1], p_data))
        moved = course[-1] * np.exp(-rate * gradient)
        course.append(moved / moved.sum())
    return Descent(np.stack(course), np.array([criterion(p_data, step) for step in course]))


def _plug_in_bias(p: np.ndarray, q: np.ndarray, n: int, m: int) -> float:
    """First-order excess of the histograms' divergence: Miller-Madow for each entropy."""
    middle = (p + q) / 2
    spread = np.divide(
        p * (1 - p) / n + q * (1 - q) / m, middle, out=np.zeros_like(middle), where=middle > 0
    )
    cells_p, cells_q = np.count_nonzero(p), np.count_nonzero(q)
    return float((cells_p - 1) / (4 * n) + (cells_q - 1) / (4 * m) - spread.sum() / 8)


def _histogram(samples: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, float]:
    counts = np.histogram(samples, edges)[0]
    below, above = np.sum(samples < edges[0]), np.sum(samples > edges[-1])
    shares = np.concatenate([[below], counts, [above]]) / len(samples)
    return shares, float((below + above) / len(samples))


def _numbers(name: str, samples: ArrayLike) -> np.ndarray:
    samples = np.asarray(samples, np.float64)
    if samples.size == 0 or samples.size != len(samples):
        raise InputError(
            f"`{name}` must hold one number a sample, [n] or [n, 1]; received {samples.shape}"
        )
    if not np.isfinite(samples).all():
        raise InputError(f"`{name}` holds NaN or infinite numbers")
    return samples.reshape(-1)


def _density(name: str, density: ArrayLike) -> np.ndarray:
    density = np.asarray(density, np.float64)
    if density.size == 0 or not np.isfinite(density).all() or density.min() < 0:
        raise InputError(f"`{name}` must be finite, at least 0 and not empty")
    return density


def _distribution(name: str, density: ArrayLike, width: ArrayLike = 1.0) -> np.ndarray:
    density = _density(name, density)
    mass = float(np.sum(density * np.asarray(width)))
    if abs(mass - 1) > _MASS_TOLERANCE:
        raise InputError(
            f"`{name}` must integrate to 1, and it gives {mass:.6g}: normalize it, "
            "or let the grid reach further and give its spacing as `width`"
        )
    return density


def _same_shape(**arrays: np.ndarray) -> None:
    if len({array.shape for array in arrays.values()}) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InputError(f"arrays must have one shape; received {shapes}")
