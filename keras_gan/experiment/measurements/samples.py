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
from keras_gan.evaluation.collapse import CollapseDetector, ScoreGap, diagnose, score_gap
from keras_gan.experiment.measurements import EXAMINED
from keras_gan.training.discriminate import discriminate

if TYPE_CHECKING:
    from keras_gan.experiment.evaluator import Evaluator


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
        real, fake = distances.equal_numbers(extract(test), extract(examples), seed)
        results[name] = {
            "frechet": dataclasses.asdict(distances.frechet_distance(real, fake)),
            "kid": dataclasses.asdict(distances.kid(real, fake)),
            "precision_recall": dataclasses.asdict(distances.precision_recall(real, fake)),
        }
    return results


def measure_diversity(of: Evaluator) -> dict:
    """Coverage, duplicates and memorization of some samples, D's overfitting, and warnings."""
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
    entries["warnings"] = [dataclasses.asdict(warning) for warning in diagnose(*results)]
    return json.loads(json.dumps(entries, default=lambda value: np.asarray(value).tolist()))


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
