"""From the entries of `evaluation.json` to rows of numbers, each with its protocol."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

_OVERLAPS = {
    "precision": "Share of the samples that lie among the test examples",
    "recall": "Share of the test examples that lie among the samples",
    "density": "Mean number of test examples near a sample, over the neighbors asked for",
    "coverage": "Share of the test examples with a sample in their neighborhood",
}


@dataclasses.dataclass(frozen=True)
class Number:
    """A measured number.

    Attributes:
        name: The name of the measurement.
        value: The number for the samples.
        error: Its standard error, in the same unit, or None.
        floor: The same number for training examples in place of samples, or None.
        protocol: How it was measured, in one sentence.
        higher_is_better: Whether larger values are better.
        is_share: Whether it is a share, to be shown in percent.
    """

    name: str
    value: float
    error: float | None
    floor: float | None
    protocol: str
    higher_is_better: bool = True
    is_share: bool = False

    @property
    def text(self) -> str:
        """The value with its error."""
        error = "" if self.error is None else f" ± {self._shown(self.error, digits=2)}"
        return f"{self._shown(self.value)}{error}"

    @property
    def floor_text(self) -> str:
        """The floor, or empty."""
        return "" if self.floor is None else self._shown(self.floor)

    def _shown(self, value: float, digits: int = 4) -> str:
        return f"{value:.1%}" if self.is_share else significant(value, digits)


def significant(value: float, digits: int) -> str:
    """A number with so many significant digits, or more, without an exponent if it is large."""
    return f"{value:,.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def is_current(results: dict[str, Any], epochs: int) -> bool:
    """Whether an entry of `evaluation.json` is of the model after so many epochs.

    One from before its run was continued, after fewer, is of another model.
    """
    return results.get("run", {}).get("epochs", epochs) == epochs


def numbers(results: dict[str, Any]) -> tuple[Number, ...]:
    """All numbers of one entry of `evaluation.json`; the distances come first."""
    found = [
        *_distances(results.get("distances") or {}),
        *_likelihoods(results),
        *_of_classes(results),
        *_inpainting(results.get("inpainting")),
        *_inference(results.get("inference")),
    ]
    return tuple(number for number in found if number is not None)


def _number(
    name: str, value: Any, protocol: str, *, error: Any = None, floor: Any = None, **kind: bool
) -> Number | None:
    """A number; None where the file has null for it, as it has for NaN."""
    value, error, floor = map(_finite, (value, error, floor))
    return None if value is None else Number(name, value, error, floor, protocol, **kind)


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(float(value)) else float(value)


def _distances(distances: dict[str, Any]) -> Iterator[Number | None]:
    if "samples" not in distances:
        return
    samples, training = distances["samples"], distances.get("training examples") or {}
    errors, features = samples.get("standard_errors") or {}, distances["features"]
    frechet = samples["frechet"]
    against = f"{frechet['n_generated']:,} samples against as many test examples, on {features}"

    def row(name: str, measure: str, key: str, protocol: str, **rest: Any) -> Number | None:
        floor = (training.get(measure) or {}).get(key)
        value = samples[measure][key]
        return _number(name, value, protocol, floor=floor, **rest)

    halves = f"; error from {samples['halves']} random halves" if "frechet" in errors else ""
    dimension = f"{against} ({frechet['dimension']} features)"
    error = errors.get("frechet")
    lower: dict[str, Any] = {"higher_is_better": False}
    yield row(
        "Frechet distance", "frechet", "distance", f"{dimension}{halves}.", error=error, **lower
    )
    if "frechet_at_infinity" in samples:
        sizes = samples["frechet_at_infinity"]["sizes"]
        protocol = f"Frechet distances of {min(sizes):,} to {max(sizes):,} examples, extrapolated."
        yield row(
            "Frechet distance, infinitely many samples",
            "frechet_at_infinity",
            "distance",
            protocol,
            **lower,
        )
    kid = samples["kid"]
    protocol = (
        f"Mean over {kid['subsets']} subsets of {kid['subset_size']:,}, whose standard deviation "
        f"is {kid['standard_deviation']:.3g}; {against}."
    )
    yield row("Kernel distance (KID)", "kid", "distance", protocol, **lower)
    overlap = samples["precision_recall"]
    for key, meaning in _OVERLAPS.items():
        which = "precision" if key in ("precision", "recall") else "density"
        neighbors = f"{overlap[f'{which}_neighbors']} neighbors"
        protocol = f"{meaning}; {neighbors}, {against}."
        yield row(key.capitalize(), "precision_recall", key, protocol, error=errors.get(key))
    if "inception_score" in samples:
        score = samples["inception_score"]
        protocol = (
            f"Classes named by the small classifier, at best {score['classes']}; mean over "
            f"{score['splits']} parts of {score['n']:,} samples."
        )
        yield row("Inception Score", "inception_score", "score", protocol)


def _likelihoods(results: dict[str, Any]) -> Iterator[Number | None]:
    floor = (results.get("sanity") or {}).get("training images") or {}
    given = (results.get("given_classes") or {}).get("likelihood")
    for name, row, less in (
        ("Log-likelihood, nats", results.get("likelihood"), floor),
        ("Log-likelihood given the class, nats", given, {}),
    ):
        if not row:
            continue
        fold = (row.get("folds") or [row])[0]
        sigma = f"sigma {row['bandwidth']:.3f}" if "bandwidth" in row else "a sigma for each fold"
        protocol = (
            f"Parzen window round {fold['samples']:,} samples, {sigma}, chosen on "
            f"{fold['validation']:,} validation examples; mean over {fold['test']:,} test examples."
        )
        error = row["standard_error"]
        yield _number(name, row["mean"], protocol, error=error, floor=less.get("mean"))


def _of_classes(results: dict[str, Any]) -> Iterator[Number | None]:
    given, named = results.get("given_classes") or {}, results.get("classification")
    if "named_as_asked" in given:
        yield _number(
            "Samples of the class asked for",
            given["named_as_asked"],
            f"{given['samples_of_each']:,} samples of each class, named by the small classifier.",
            floor=(results.get("diversity") or {}).get("classifier_accuracy_on_test"),
            is_share=True,
        )
    if named:
        yield _number(
            "Test examples that D classifies incorrectly",
            named["test_error"],
            f"{named['images']:,} test examples, learned with {named['labels'] or 'all'} labels.",
            error=named["standard_error"],
            higher_is_better=False,
            is_share=True,
        )


def _inpainting(quality: dict[str, Any] | None) -> Iterator[Number | None]:
    if quality:
        where = f"{quality['images']:,} test images inpainted from {quality['known']}"
        yield _number(
            "Squared error of inpaintings",
            quality["squared_error"],
            f"{where}; mean of {quality['draws']} inpaintings of each. The nearest training image "
            f"has {quality['squared_error_of_nearest']:.2f}.",
            higher_is_better=False,
        )


def _inference(inferred: dict[str, Any] | None) -> Iterator[Number | None]:
    if not inferred:
        return
    recovery = inferred["recovery"]
    yield _number(
        "Correlation of inferred latents",
        recovery["mean"],
        f"With the latents of samples, over the {recovery['used']} directions that carry "
        f"{recovery['share']:.0%} of G's change.",
    )
    for way, row in (inferred.get("reconstruction") or {}).items():
        yield _number(
            f"Squared error of test images, {way}",
            row["mean"],
            "Test images against the images that G makes of their latents.",
            error=row["standard_error"],
            higher_is_better=False,
        )
