"""The numbers of a finished run: likelihood, distances, diversity; what `evaluate` keeps."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from rich.progress import track

from keras_gan import recipes
from keras_gan.conditioning import NO_CONDITION, Classes
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import RowDraws, row_seeds
from keras_gan.data import Split
from keras_gan.evaluation import distances, likelihood
from keras_gan.evaluation.collapse import thresholds
from keras_gan.evaluation.collapse.detector import LEAST_TRAIN, CollapseDetector
from keras_gan.evaluation.collapse.memorization import ScoreGap, score_gap
from keras_gan.evaluation.distances import prdc
from keras_gan.evaluation.features.classifier import Classifier
from keras_gan.evaluation.likelihood import reliability
from keras_gan.experiment import distribution
from keras_gan.experiment.run import Run, versions
from keras_gan.training.discriminate import discriminate

EXAMINED = 1000  # samples, or test examples, where all would be more than it takes
VALIDATION = 1000  # examples that a bandwidth is chosen on, at most


def known(split: Split) -> Split | None:
    """The examples whose class is known, if there are any."""
    return None if split.y is None else split[split.y >= 0]


class Measurement:
    """A finished run under measurement.

    Args:
        run: The run.
        options: The evaluate command's: `weights`, `seed`, `samples`, `sets`, `refine`,
            `no_sanity`, `strategy`, `data_dir`.

    Attributes:
        run: The run.
        options: The options.
        gan: The finished model: G and D as training left them.
        generator: G with the weights asked for.
        data: The data that it was trained on.
        settings: How likelihoods are computed: `strategy` and `track`.

    Raises:
        InputError: Something is missing or too small for what will be measured.
    """

    def __init__(self, run: Run, options):
        self.run = run
        self.options = options
        self._check_options()
        self.gan = run.gan()
        self.generator = run.generator(options.weights)
        self.data = recipes.data_of(run, options.data_dir)
        self._check_data()
        self.settings: dict[str, Any] = {
            "strategy": None
            if options.strategy == "default"
            else distribution.make(options.strategy),
            "track": track,
        }

    def _check_options(self) -> None:
        """Refuses now what a measurement would refuse after hours."""
        condition, least = self.run.condition, prdc.LEAST_EXAMPLES
        if isinstance(condition, Classes):
            least = max(least, 2 * condition.count)
        if self.options.samples < least:
            raise InputError(
                f"--samples must be at least {least} for this run. Received: {self.options.samples}"
            )
        if self._is_tfd and self.options.sets > 1:
            raise InputError(
                "--sets is not for tfd, whose likelihood is a mean over folds of one set of "
                f"samples; leave it out. Received: {self.options.sets}"
            )

    def _check_data(self) -> None:
        for name, least in (("train", LEAST_TRAIN), ("test", prdc.LEAST_EXAMPLES)):
            n = len(getattr(self.data, name))
            if n < least:
                raise InputError(
                    f"an evaluation takes at least {least} {name} examples; {self.data.name} has "
                    f"{n}"
                )

    def measure(self) -> dict:
        """All numbers, as JSON can hold them."""
        found: dict = {
            "run": {"epochs": self.run.epochs_done, **self.run.identity},
            "weights": self.options.weights,
            "data": self.data.provenance,
            "versions": versions(),
        }
        found["likelihood"] = self._likelihood()
        if not self.options.no_sanity:
            found["sanity"] = self._sanity()
        if "spread" in found["likelihood"]:
            errors = reliability.error_on_gaussians(track=track)
            found["gaussian_error"] = [dataclasses.asdict(error) for error in errors]
        found["distances"] = self._distances()
        found["diversity"] = self._diversity()
        return found

    @functools.cached_property
    def classifier(self) -> Classifier | None:
        """A small classifier of the training examples; None where they have no classes."""
        return Classifier.of_labelled(self.unit(self.data.train.x), self.data.train.y)

    def unit(self, x: np.ndarray) -> np.ndarray:
        """Examples of the data as samples come: in [0, 1], after the run's preprocessing."""
        return self.run.preprocessing.denormalize(self.run.preprocessing.normalize(x))

    @functools.cached_property
    def sampler(self) -> Callable[..., np.ndarray]:
        """Samples from (number, seed, condition), of the weights asked for."""
        return self.run.sampler(self.options.weights)

    def samples(self, seed: int) -> np.ndarray:
        """As many samples as asked for."""
        return self.sampler(self.options.samples, seed)

    @property
    def _is_tfd(self) -> bool:
        return self.run.identity["dataset"] == "tfd"

    @property
    def protocol(self) -> likelihood.ParzenSettings:
        """The likelihood's protocol for these data."""
        validation = None if self._is_tfd else min(VALIDATION, len(self.data.validation))
        return likelihood.ParzenSettings(
            self.options.samples, validation, refine=self.options.refine
        )

    def _likelihood(self) -> dict:
        options = self.options
        settings: dict[str, Any] = {**self.settings, "protocol": self.protocol}
        if self._is_tfd:
            folds = [recipes.data_of(self.run, options.data_dir, fold) for fold in range(5)]
            pairs = [(self.unit(fold.validation.x), self.unit(fold.test.x)) for fold in folds]
            over_folds = likelihood.log_likelihood_over_folds(
                self.samples(options.seed), pairs, seed=options.seed, **settings
            )
            return dataclasses.asdict(over_folds)
        validation, test = self.unit(self.data.validation.x), self.unit(self.data.test.x)
        if options.sets == 1:
            result = likelihood.log_likelihood(
                self.samples(options.seed), validation, test, seed=options.seed, **settings
            )
            return dataclasses.asdict(result)
        seeds = range(options.seed, options.seed + options.sets)
        spread = reliability.spread_over_sets(
            self.samples, validation, test, seeds=seeds, **settings
        )
        return {**dataclasses.asdict(spread.sets[0]), "spread": dataclasses.asdict(spread)}

    def _sanity(self) -> dict:
        rows = reliability.sanity_rows(
            self.unit(self.data.train.x),
            self.unit(self.data.validation.x),
            self.unit(self.data.test.x),
            protocol=self.protocol,
            seed=self.options.seed,
            **self.settings,
        )
        return {name: dataclasses.asdict(row) for name, row in rows.items()}

    def _distances(self) -> dict:
        """Samples, and training examples to read them by, against the test set."""
        classifier = self.classifier
        on = (
            "the examples as they are"
            if classifier is None
            else "the last hidden layer of the small classifier"
        )
        extract = (lambda x: x) if classifier is None else classifier.features
        real = extract(self.unit(self.data.test.x))
        sets = {"samples": self.samples(self.options.seed)}
        if not self.options.no_sanity:
            train = np.random.default_rng(self.options.seed).permutation(len(self.data.train))
            sets["training examples"] = self.unit(self.data.train.x[train[: len(sets["samples"])]])
        found: dict = {"features": on}
        for name, examples in sets.items():
            rows = extract(examples)
            found[name] = {
                "frechet": dataclasses.asdict(distances.frechet_distance(real, rows)),
                "kernel": dataclasses.asdict(distances.kid(real, rows)),
                "support": dataclasses.asdict(prdc.precision_recall(real, rows)),
            }
        return found

    def _diversity(self) -> dict:
        """Coverage, duplicates and memorization of some samples, D's overfitting, and warnings."""
        train, classifier = self.unit(self.data.train.x), self.classifier
        detector = CollapseDetector(
            train, held_out=self.unit(self.data.test.x), classifier=classifier
        )
        samples = self.sampler(EXAMINED, self.options.seed)
        gap = self._score_gap()
        results = [*detector.examine(samples), *([gap] if gap else [])]
        found: dict = {type(result).__name__: dataclasses.asdict(result) for result in results}
        if classifier is not None and self.data.test.y is not None:
            found["classifier_accuracy_on_test"] = classifier.accuracy(
                self.unit(self.data.test.x), self.data.test.y
            )
        found["warnings"] = [
            dataclasses.asdict(warning) for warning in thresholds.diagnose(*results)
        ]
        return json.loads(json.dumps(found, default=lambda value: np.asarray(value).tolist()))

    def _score_gap(self) -> ScoreGap | None:
        """D's scores of training beside test examples; None where it sees labels they lack."""
        condition, seed = self.gan.condition, self.options.seed
        uses_labels = condition is not None and condition.uses_labels
        scores = []
        for split in (self.data.train, self.data.test):
            usable = known(split) if uses_labels else split
            if usable is None:
                return None
            some = usable[np.random.default_rng(seed).permutation(len(usable))[:EXAMINED]]
            examples = tf.constant(self.run.preprocessing.normalize(some.x))
            parts = NO_CONDITION
            if condition is not None:
                parts = condition.for_real(examples, some.y, RowDraws(row_seeds(seed, len(some))))
            scores.append(discriminate(self.gan.discriminator, examples, parts).logits.numpy())
        return score_gap(*scores)
