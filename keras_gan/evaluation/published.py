"""Table 1 of the paper as data, and what was published later."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A mean log-likelihood under a Parzen window, nats."""

    mean: float
    error: float | None = None  # standard, over test examples on MNIST, over folds on TFD

    def __str__(self) -> str:
        return f"{self.mean:g}" if self.error is None else f"{self.mean:g} ± {self.error:g}"


@dataclass(frozen=True)
class Row:
    """One model's scores in the measure of Table 1, and where they were published."""

    model: str
    mnist: Score | None
    tfd: Score | None
    source: str


_PAPER = "Goodfellow et al. 2014, Table 1"

TABLE_1 = (
    Row("DBN", Score(138, 2), Score(1909, 66), _PAPER),
    Row("Stacked CAE", Score(121, 1.6), Score(2110, 50), _PAPER),
    Row("Deep GSN", Score(214, 1.1), Score(1890, 29), _PAPER),
    Row("Adversarial nets", Score(225, 2), Score(2057, 26), _PAPER),
)

# The same measure, published afterwards.
LATER = (
    Row("GMMN", Score(147), Score(2085), "Li et al. 2015"),
    Row("GMMN+AE", Score(282), Score(2204), "Li et al. 2015"),
    Row("VAE", Score(325), Score(2180), "Yeung et al. 2017"),
    Row("Mixture VAE", Score(338), Score(2358), "Yeung et al. 2017"),
    Row("AAE", Score(340), Score(2252), "Makhzani et al. 2015"),
)
