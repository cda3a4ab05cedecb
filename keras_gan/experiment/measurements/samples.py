"""Samples against the data: distances to the test set, signs of collapse and memorization."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from keras_gan.conditioning import NO_CONDITION
from keras_gan.core.randomness import RowDraws, row_seeds
from keras_gan.evaluation import distances
from keras_gan.evaluation.collapse import (
    CollapseDetector,
    ScoreGap,
    Support,
    diagnose,
    score_gap,
)
from keras_gan.experiment.measurements import EXAMINED
from keras_gan.training.discriminate import discriminate

if TYPE_CHECKING:
    from keras_gan.experiment.evaluator import Evaluator

_HALVES = 5  # of the examples, that standard errors are taken from
_OFTEN = 512  # the most features of which a Frechet distance is computed many times


def measure_distances(of: Evaluator) -> dict:
    """Samples, and training examples to read them by, against as many test examples."""
    classifier, seed = of.classifier, of.settings.seed
    extract = np.asarray if classifier is None else classifier.features
    test, samples = distances.equal_numbers(of.unit(of.data.test.x), of.samples(seed), seed)
    sets = {"samples": samples}
    if of.settings.sanity:
        order = np.random.default_rng(seed).permutation(len(of.data.train))
        sets["training examples"] = of.unit(of.data.train.x[order[: len(samples)]])
    results: dict = {
        "features": "the examples as they are"
        if classifier is None
        else "the last hidden layer of the small classifier"
    }
    for name, examples in sets.items():
        results[name] = _distances(extract(test), extract(examples), seed)
        if classifier is not None:
            splits = int(np.clip(len(examples) // 1000, 2, 10))
            score = distances.inception_score(classifier.probabilities(examples), splits=splits)
            results[name]["inception_score"] = dataclasses.asdict(score)
    return results


def _distances(real: np.ndarray, fake: np.ndarray, seed: int) -> dict:
    """All distances that the numbers of examples and of features allow, with their errors."""
    real, fake = distances.equal_numbers(real, fake, seed)
    frechet, overlap = distances.frechet_distance, distances.precision_recall
    results: dict = {
        "frechet": dataclasses.asdict(frechet(real, fake)),
        "kid": dataclasses.asdict(distances.kid(real, fake)),
        "precision_recall": dataclasses.asdict(overlap(real, fake)),
    }
    errors: dict[str, float] = {}
    n, dimension = real.shape
    few_features = dimension <= _OFTEN
    if few_features and n >= 2 * (dimension + 1):
        at_infinity = distances.frechet_distance_at_infinity(real, fake, seed=seed)
        results["frechet_at_infinity"] = dataclasses.asdict(at_infinity)

    def error(measure: Callable[[np.ndarray, np.ndarray], ArrayLike]) -> np.ndarray:
        return distances.standard_error(measure, real, fake, halves=_HALVES, seed=seed)

    if n >= 2 * distances.LEAST_EXAMPLES:
        names = ("precision", "recall", "density", "coverage")
        found = error(lambda x, y: [getattr(overlap(x, y), name) for name in names])
        errors |= zip(names, found.tolist(), strict=True)
        if few_features:
            errors["frechet"] = float(error(lambda x, y: frechet(x, y).distance))
    return {**results, "standard_errors": errors, "halves": _HALVES}


def measure_diversity(of: Evaluator, of_features: dict) -> dict:
    """Coverage, duplicates and memorization of some samples, D's overfitting, and warnings.

    `of_features` are the results of `measure_distances`. Where they have training examples as
    well, a recall far below theirs is a warning.
    """
    test, classifier = of.unit(of.data.test.x), of.classifier
    detector = CollapseDetector(of.unit(of.data.train.x), held_out=test, classifier=classifier)
    gap = _score_gap(of)
    results = [
        *detector.examine(of.sampler(EXAMINED, of.settings.seed)),
        *([gap] if gap else []),
    ]
    entries: dict = {type(result).__name__: dataclasses.asdict(result) for result in results}
    if classifier is not None and of.data.test.y is not None:
        entries["classifier_accuracy_on_test"] = classifier.accuracy(test, of.data.test.y)
    raised = diagnose(*results, *_support(of_features))
    entries["warnings"] = [dataclasses.asdict(warning) for warning in raised]
    return json.loads(json.dumps(entries, default=lambda value: np.asarray(value).tolist()))


def _support(of_features: dict) -> list[Support]:
    """The comparison of samples with training examples on all samples, where it was made."""
    if "training examples" not in of_features:
        return []
    both = (
        distances.PrecisionRecall(**of_features[name]["precision_recall"])
        for name in ("samples", "training examples")
    )
    return [Support(of_features["features"], *both)]


def _score_gap(of: Evaluator) -> ScoreGap | None:
    """D's scores of training and of test examples; None where it sees labels they lack."""
    condition, seed = of.gan.condition, of.settings.seed
    uses_labels = condition is not None and condition.uses_labels
    scores = []
    for split in (of.data.train, of.data.test):
        usable = of.known(split) if uses_labels else split
        if usable is None:
            return None
        chosen = usable[np.random.default_rng(seed).permutation(len(usable))[:EXAMINED]]
        examples = tf.constant(of.run.preprocessing.normalize(chosen.x))
        tensors = NO_CONDITION
        if condition is not None:
            draws = RowDraws(row_seeds(seed, len(chosen)))
            tensors = condition.for_real(examples, chosen.y, draws)
        scores.append(discriminate(of.gan.discriminator, examples, tensors).logits.numpy())
    return score_gap(*scores)
