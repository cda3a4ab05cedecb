"""The Parzen log-likelihood of the test set, and the rows that tell how to read it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import track

from keras_gan.evaluation import likelihood
from keras_gan.evaluation.likelihood import ParzenSettings, reliability

if TYPE_CHECKING:
    from keras_gan.experiment.evaluator import Evaluator

_VALIDATION = 1000  # examples that a bandwidth is chosen on, at most
_FOLDS = 5  # of the Toronto Face Database


def measure(of: Evaluator) -> dict:
    """The entries "likelihood", "sanity" and, of several sets of samples, "gaussian_error"."""
    results: dict = {"likelihood": _likelihood(of)}
    if of.settings.sanity:
        parts = map(of.part, (of.data.train, of.data.validation, of.data.test))
        splits = (of.unit(part.x) for part in parts)
        rows = reliability.sanity_rows(*splits, seed=of.settings.seed, **_options(of))
        results["sanity"] = {name: dataclasses.asdict(row) for name, row in rows.items()}
    if "spread" in results["likelihood"]:
        errors = reliability.error_on_gaussians(track=track)
        results["gaussian_error"] = [dataclasses.asdict(error) for error in errors]
    return results


def given_classes(of: Evaluator, samples: np.ndarray) -> dict | None:
    """The likelihood given the class; None where the data's classes are not known.

    Args:
        of: The evaluator.
        samples: Samples of each class, `[classes, n, ...]`.
    """
    validation, test = (of.known(of.part(s)) for s in (of.data.validation, of.data.test))
    if validation is None or test is None:
        return None
    result = likelihood.log_likelihood_given_classes(
        list(samples),
        (of.unit(validation.x), np.asarray(validation.y)),
        (of.unit(test.x), np.asarray(test.y)),
        protocol=ParzenSettings(
            samples.shape[0] * samples.shape[1], min(_VALIDATION, len(validation))
        ),
        seed=of.settings.seed,
        strategy=of.strategy,
        track=track,
    )
    return dataclasses.asdict(result)


def _likelihood(of: Evaluator) -> dict:
    seed, options = of.settings.seed, _options(of)
    if of.is_tfd:
        folds = [of.load_data(fold=fold) for fold in range(_FOLDS)]
        pairs = [(of.unit(fold.validation.x), of.unit(fold.test.x)) for fold in folds]
        over_folds = likelihood.log_likelihood_over_folds(
            of.samples(seed), pairs, seed=seed, **options
        )
        return dataclasses.asdict(over_folds)
    validation, test = (of.unit(of.part(s).x) for s in (of.data.validation, of.data.test))
    if of.settings.sets == 1:
        result = likelihood.log_likelihood(of.samples(seed), validation, test, seed=seed, **options)
        return dataclasses.asdict(result)
    seeds = range(seed, seed + of.settings.sets)
    spread = reliability.spread_over_sets(of.samples, validation, test, seeds=seeds, **options)
    return {**dataclasses.asdict(spread.sets[0]), "spread": dataclasses.asdict(spread)}


def _options(of: Evaluator) -> dict[str, Any]:
    """The protocol for these data, devices and progress."""
    validation = None if of.is_tfd else min(_VALIDATION, len(of.part(of.data.validation)))
    protocol = ParzenSettings(of.settings.samples, validation, refine=of.settings.refine)
    return {"protocol": protocol, "strategy": of.strategy, "track": track}
