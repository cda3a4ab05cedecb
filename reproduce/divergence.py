"""The Jensen-Shannon divergence of two sets of samples, by histograms, with its bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError
from keras_gan.evaluation.theory import jensen_shannon


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
