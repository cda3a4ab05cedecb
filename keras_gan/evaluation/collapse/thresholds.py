"""From measurements to warnings in plain words. Every threshold stands in `Thresholds`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from scipy import stats

from keras_gan.evaluation.collapse.coverage import Coverage, ModesFound
from keras_gan.evaluation.collapse.duplicates import Diversity, Identical
from keras_gan.evaluation.collapse.memorization import Memorization, ScoreGap
from keras_gan.evaluation.collapse.support import Detail, Gaps, Support


@dataclass(frozen=True)
class Thresholds:
    """When a measurement is a warning. Shares and probabilities lie in [0, 1].

    Each lies between two sets of measurements: those of real digits, MNIST and CIFAR-10 against
    their own training sets and of generators that had learned digits or MNIST; and those of the
    collapse that its comment names.
    """

    constant: float = 0.02  # spread: constant output, with some noise on it
    little_variety: float = 0.2  # spread: a segment between two images, fading contrast
    identical: float = 0.02  # share of exact repetitions, above the real data's
    coincidence: float = 0.005  # above the real data's: G makes fewer than 200 distinct examples
    clump: float = 0.05  # share of samples that are nearly one example, above the real data's
    found: float = 0.1  # of its share: a class, region or mode with less is missing
    compared: int = 100  # samples: fewer are not searched for near-identical ones
    expected: float = 10.0  # samples: a kind of which fewer are expected cannot be missing
    missing_regions: float = 0.15  # share of the data in regions that are missing
    uneven: float = 0.3  # nats, KL of the shares: 7 of 10 classes have 0.36
    off_modes: float = 0.5  # share of the samples on modes
    shrunk_modes: float = 0.3  # spread within modes
    overfitting: float = 0.65  # AUC of D's scores, training against held-out
    significance: float = 1e-3  # p-value that such an AUC, or such a share of copies, needs as well
    # Share of samples as close to the training set as the closest 1 % of held-out examples.
    copies: float = 0.1
    unlike: float = 2.0  # median distance to the training set over held-out examples'
    # Recall, coverage and density of samples over those of training examples.
    of_training: float = 1 / 3
    gaps: float = 0.005  # share of held-out examples with hardly any samples near them
    gap_examples: int = 5  # of them; fewer may be chance
    little_detail: float = 0.6  # over the data's: means of two images have a half
    much_detail: float = 2.0  # over the data's


@dataclass(frozen=True)
class CollapseWarning:
    """One thing that is wrong."""

    name: str  # for programs
    message: str  # what was measured, for people

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


Result = (
    Identical
    | Diversity
    | Coverage
    | ModesFound
    | Support
    | Gaps
    | Detail
    | ScoreGap
    | Memorization
)


def diagnose(*results: Result, thresholds: Thresholds | None = None) -> tuple[CollapseWarning, ...]:
    """Raises the warnings that the results call for.

    | name | what happened |
    |---|---|
    | constant-output | all samples are the same, up to a little noise |
    | little-variety | the samples vary much less than the data |
    | identical-samples | samples repeat one another exactly |
    | near-identical-samples | few distinct examples, or one that takes a large share |
    | one-class-only, one-region-only | nearly all samples are of one kind |
    | classes-missing, regions-missing, modes-missing | some kinds have less than a tenth of their
    share |
    | uneven-classes, uneven-regions, uneven-modes | all kinds are there, in wrong shares |
    | off-modes | samples lie between the modes |
    | shrunk-modes | each mode is much narrower than the data's |
    | discriminator-overfits | D tells training data from held-out data |
    | low-recall, low-coverage | the samples reach much less of the data than training examples do |
    | low-density | the samples lie where hardly any data are |
    | gaps | some data have hardly any samples near them |
    | little-detail, much-detail | the samples are blurred or faint; they are noisy or unlike data |
    | training-set-memorized | samples copy training examples, perhaps shifted, mirrored, darker |
    | unlike-data | samples lie far from all training examples |

    They come in the order of the results, which this package's functions measured.
    """
    limits = thresholds or Thresholds()
    return tuple(warning for result in results for warning in _raised_by(result, limits))


@singledispatch
def _raised_by(result: object, limits: Thresholds) -> Iterator[CollapseWarning]:
    raise TypeError(
        f"`diagnose` takes results of keras_gan.evaluation.collapse; received {result!r}"
    )


@_raised_by.register
def _(result: Identical, limits: Thresholds) -> Iterator[CollapseWarning]:
    if result.samples - result.real > limits.identical:
        yield CollapseWarning(
            "identical-samples",
            f"{result.samples:.1%} of {result.n[0]:,} samples repeat another exactly "
            f"(real data: {result.real:.1%})",
        )


@_raised_by.register
def _(result: Diversity, limits: Thresholds) -> Iterator[CollapseWarning]:
    if result.spread < limits.constant:
        yield CollapseWarning(
            "constant-output",
            "G makes one and the same output: the samples have "
            f"{result.spread:.2%} of the data's variance",
        )
        return
    if result.spread < limits.little_variety:
        yield CollapseWarning(
            "little-variety", f"the samples have only {result.spread:.0%} of the data's variance"
        )
    if result.n < limits.compared:
        return
    few = result.coincidence - result.real_coincidence > limits.coincidence
    if few or result.clump - result.real_clump > limits.clump:
        yield CollapseWarning(
            "near-identical-samples",
            f"G effectively makes about {result.distinct:,.0f} distinct examples; the commonest "
            f"takes {result.clump:.1%} of the samples (real data: {result.real_clump:.1%})",
        )


@_raised_by.register
def _(result: Coverage, limits: Thresholds) -> Iterator[CollapseWarning]:
    kinds, one = result.kinds, {"classes": "class", "regions": "region"}[result.kinds]
    shares, real = np.array(result.shares), np.array(result.real_shares)
    top = int(shares.argmax())
    missing = result.missing(limits.found, limits.expected)
    lost = float(real[list(missing)].sum())
    listed = ", ".join(map(str, missing))
    if 1 - shares[top] < limits.found * (1 - real[top]):
        yield CollapseWarning(
            f"one-{one}-only",
            f"{shares[top]:.0%} of the samples are of {one} {top} (real data: {real[top]:.0%})",
        )
        return
    if missing and (kinds == "classes" or lost > limits.missing_regions):
        yield CollapseWarning(
            f"{kinds}-missing",
            f"the samples lack {kinds} {listed}, which hold {lost:.0%} of the data",
        )
        return
    # Half an example more of each kind: one that few real examples are of may be missing by chance.
    real = (real * result.n[1] + 0.5) / (result.n[1] + len(real) / 2)
    divergence = stats.entropy(shares, real)
    if divergence - sum(_by_chance(real, n) for n in result.n) > limits.uneven:
        yield CollapseWarning(
            f"uneven-{kinds}",
            f"the shares of the {kinds} are {divergence:.2f} nats from the data's; "
            f"{one} {top} has {shares[top]:.0%} of the samples (real data: {real[top]:.0%})",
        )


@_raised_by.register
def _(result: ModesFound, limits: Thresholds) -> Iterator[CollapseWarning]:
    shares, weights = np.array(result.shares), np.array(result.weights)
    expected = weights * result.n >= limits.expected
    missing = int(np.sum((shares < limits.found * weights) & expected))
    if result.on_modes < limits.off_modes:
        yield CollapseWarning(
            "off-modes", f"only {result.on_modes:.0%} of the samples lie on a mode"
        )
    if missing:
        yield CollapseWarning("modes-missing", f"{missing} of {len(weights)} modes are not found")
    elif (
        shares.any()
        and (divergence := stats.entropy(shares, weights))
        - _by_chance(weights, result.on_modes * result.n)
        > limits.uneven
    ):
        yield CollapseWarning(
            "uneven-modes",
            f"the shares of the modes are {divergence:.2f} nats from the target's; one mode has "
            f"{shares.max() / shares.sum():.0%} of the samples on modes",
        )
    if shares.any() and result.spread < limits.shrunk_modes:
        yield CollapseWarning(
            "shrunk-modes", f"within a mode the samples reach only {result.spread:.0%} of its width"
        )


def _by_chance(shares: np.ndarray, n: float) -> float:
    """The divergence, nats, of `n` draws from these shares by chance alone (Miller 1955)."""
    return (np.count_nonzero(shares) - 1) / (2 * n)


@_raised_by.register
def _(result: ScoreGap, limits: Thresholds) -> Iterator[CollapseWarning]:
    if result.auc > limits.overfitting and result.p_value < limits.significance:
        yield CollapseWarning(
            "discriminator-overfits",
            f"D scores a training example above a held-out one {result.auc:.0%} of the time "
            f"(means {result.train:.3g} and {result.held_out:.3g})",
        )


@_raised_by.register
def _(result: Memorization, limits: Thresholds) -> Iterator[CollapseWarning]:
    copies = max(result.copies, result.altered or 0)
    # Of few held-out examples, all may lie farther than this share of new ones, by chance.
    chance = 1 - limits.significance ** (1 / result.n[2])
    if copies > max(result.quantile + limits.copies, chance):
        alike = "" if copies == result.copies else ", up to shifts, mirroring and brightness,"
        yield CollapseWarning(
            "training-set-memorized",
            f"{copies:.0%} of the samples are{alike} as close to a training example as only "
            f"{result.quantile:.0%} of held-out examples are",
        )
    if result.ratio > limits.unlike:
        yield CollapseWarning(
            "unlike-data",
            f"the samples lie {result.ratio:.1f} times as far from the training set as held-out "
            "examples do",
        )


@_raised_by.register
def _(result: Support, limits: Thresholds) -> Iterator[CollapseWarning]:
    for name, measure, meaning in (
        ("low-recall", "recall", "the samples reach little of the data"),
        ("low-coverage", "coverage", "much of the data has no sample near it"),
        ("low-density", "density", "the samples lie where hardly any data are"),
    ):
        found, usual = getattr(result.samples, measure), getattr(result.training, measure)
        if found < limits.of_training * usual:
            yield CollapseWarning(
                name,
                f"{meaning}: {measure} {found:.2f} (training examples: {usual:.2f}), "
                f"on {result.features}",
            )


@_raised_by.register
def _(result: Gaps, limits: Thresholds) -> Iterator[CollapseWarning]:
    few = round(result.share * result.n)  # 5 / 154 * 154 is below 5
    if result.share >= limits.gaps and few >= limits.gap_examples:
        yield CollapseWarning(
            "gaps",
            f"{result.share:.1%} of the held-out examples have training examples near them, but "
            f"hardly any samples (as many new examples: {result.expected:.2%})",
        )


@_raised_by.register
def _(result: Detail, limits: Thresholds) -> Iterator[CollapseWarning]:
    if result.ratio < limits.little_detail:
        yield CollapseWarning(
            "little-detail",
            f"the samples have only {result.ratio:.0%} of the data's fine detail: "
            "they are blurred, mixed or faint",
        )
    elif result.ratio > limits.much_detail:
        yield CollapseWarning(
            "much-detail",
            f"the samples have {result.ratio:.1f} times the data's fine detail: "
            "they are noisy, or of another kind than the data",
        )
