"""Distances of samples to the test set."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from keras_gan.evaluation import distances

if TYPE_CHECKING:
    from keras_gan.experiment.evaluator import Evaluator


def measure(of: Evaluator) -> dict:
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
