"""Samples against the data: distances to the test set, signs of collapse and memorization."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

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
from keras_gan.evaluation.features import Classifier
from keras_gan.experiment.measurements import EXAMINED
from keras_gan.experiment.picture_sets import protocol_of
from keras_gan.training.discriminate import discriminate

if TYPE_CHECKING:
    from keras_gan.experiment.evaluator import Evaluator

_AS_THEY_ARE = "the examples as they are"
_ON = {"classifier": "the last hidden layer of the small classifier"}


def measure_distances(of: Evaluator) -> dict:
    """Samples against as many test examples; with `sanity`, so many training examples as well."""
    network, seed = of.network, of.settings.seed
    n = min(of.settings.samples, len(of.data.test))
    if of.settings.sanity:
        n = min(n, len(of.data.train))

    def some(x: np.ndarray) -> np.ndarray:
        return of.unit(x[np.random.default_rng(seed).permutation(len(x))[:n]])

    sets = {"samples": lambda: of.sampler(n, seed)}
    if of.settings.sanity:
        sets["training examples"] = lambda: some(of.data.train.x)
    results: dict = {"features": _ON.get(network.name, network.name) if network else _AS_THEY_ARE}
    if network:
        results["protocol"] = {**protocol_of(network), "seed": seed}
    extract = network.features if network else np.asarray
    of_test = extract(some(of.data.test.x))
    for name, draw in sets.items():
        examples = draw()  # one set in memory at a time
        results[name] = distances.compare(of_test, extract(examples), seed=seed)
        if isinstance(network, Classifier):
            score = distances.inception_score(network.probabilities(examples))
            results[name]["inception_score"] = dataclasses.asdict(score)
    return results


def measure_diversity(of: Evaluator, of_features: dict) -> dict:
    """Coverage, duplicates and memorization of some samples, D's overfitting, and warnings.

    `of_features` are the results of `measure_distances`. Where they have training examples as
    well, a recall far below theirs is a warning.
    """
    train, test, classifier = of.data.train.x, of.data.test, of.classifier
    detector = CollapseDetector(train, held_out=test.x, classifier=classifier, prepare=of.unit)
    gap = _score_gap(of)
    results = [
        *detector.examine(of.sampler(EXAMINED, of.settings.seed)),
        *([gap] if gap else []),
    ]
    entries: dict = {type(result).__name__: dataclasses.asdict(result) for result in results}
    if classifier is not None and (named := of.known(test)):
        accuracy = classifier.accuracy(of.unit(named.x), np.asarray(named.y))
        entries["classifier_accuracy_on_test"] = accuracy
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
