"""Evaluating a finished run: what measurements share, and which of them apply."""

from __future__ import annotations

import dataclasses
import functools
import math
import warnings
from collections.abc import Callable
from typing import Protocol

import keras
import numpy as np

from keras_gan.conditioning import Classes, Inpainting
from keras_gan.core.errors import InputError, first_line
from keras_gan.core.settings import Checked, setting
from keras_gan.core.versions import versions
from keras_gan.data import DataSet, Split
from keras_gan.evaluation import features
from keras_gan.evaluation.collapse.detector import LEAST_TRAIN
from keras_gan.evaluation.distances import LEAST_EXAMPLES
from keras_gan.evaluation.features import Classifier, FeatureNetwork
from keras_gan.evaluation.likelihood import reliability
from keras_gan.experiment import distribution
from keras_gan.experiment.measurements import conditions, inference, likelihood, samples
from keras_gan.experiment.run import WEIGHTS, Run
from keras_gan.training.inference import among

_MOST_NUMBERS = 2**25  # of each split of a mapped file that are held in memory as floats


class LoadData(Protocol):
    """Loads the data of a run, or another fold of them."""

    def __call__(self, *, fold: int | None = ...) -> DataSet: ...


@dataclasses.dataclass(frozen=True)
class EvaluationSettings(Checked):
    """The settings of an evaluation."""

    weights: str = setting("last", "weights of the generator: " + ", ".join(WEIGHTS))
    truncation: float = setting(1.0, "what latents are multiplied by", least=0)
    seed: int = setting(
        0, "seed of the samples and of every choice of examples", least=0, below=2**32
    )
    samples: int = setting(10_000, "samples of G", least=1, most=10**6)
    features: str = setting(
        "auto",
        "network that distances are measured on: classifier (a small one, of the data's classes), "
        f"{features.NAMES}, or auto: the classifier for gray pictures and points with classes, "
        "efficientnet_lite0 for other pictures",
    )
    sets: int = setting(
        1,
        "independent sets of samples, 1 or at least 5; several also measure the estimator's error "
        "on known Gaussians and draw both, figures/reliability.png",
        most=1000,
    )
    refine: bool = setting(False, "report a bandwidth between the grid's as well")
    sanity: bool = setting(True, "measure training images and centroids as if they were samples")
    strategy: str = setting(
        "default", "devices for likelihood and features", choices=distribution.NAMES
    )

    def __post_init__(self) -> None:
        """Checks the number of sets as well."""
        super().__post_init__()
        if self.sets != 1 and self.sets < reliability.LEAST_SETS:
            raise InputError(
                f"--sets must be 1 or at least {reliability.LEAST_SETS}. Received: {self.sets}"
            )


class Evaluator:
    """A finished run, its data, and what several measurements need.

    Args:
        run: The run.
        load_data: Gives the run's data set and, for the Toronto Face Database, other folds.
        settings: The settings of the evaluation.

    Attributes:
        gan: The finished model: G and D as training left them.
        generator: G with the weights asked for.
        data: The data that it was trained on.
        strategy: Devices for the likelihood and the feature network.
    """

    def __init__(self, run: Run, load_data: LoadData, settings: EvaluationSettings):
        self.run, self.load_data, self.settings = run, load_data, settings
        self._check_settings()
        self.gan: keras.Model = run.gan()
        self.generator = run.generator(settings.weights, settings.truncation)
        self.data = load_data()
        self._check_data()
        self.strategy = distribution.make(settings.strategy)
        self.network  # noqa: B018

    def measure(self) -> dict:
        """All numbers that apply to the run, with their protocol, as JSON can hold them."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            results = self._measure()
        results["warnings"] = sorted({str(w.message) for w in caught if w.category is UserWarning})
        for other in (w for w in caught if w.category is not UserWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
        return results

    def _measure(self) -> dict:
        distances = samples.measure_distances(self)
        results: dict = {
            "run": {"epochs": self.run.epochs_done, **self.run.identity},
            "weights": self.settings.weights,
            "truncation": self.settings.truncation,
            "data": self.data.provenance,
            "versions": versions(),
            **likelihood.measure(self),
            "distances": distances,
            "diversity": samples.measure_diversity(self, distances),
        }
        condition, network = self.gan.condition, among(self.gan.auxiliary_networks)
        more: dict[str, Callable[[], dict | None]] = {}
        if isinstance(condition, Classes):
            more["given_classes"] = lambda: conditions.measure_classes(self, condition.count)
        if isinstance(condition, Inpainting):
            more["inpainting"] = lambda: conditions.measure_inpainting(self)
        if self.gan.names_classes:
            more["classification"] = lambda: conditions.measure_named_classes(self)
        if network is not None:
            more["inference"] = lambda: inference.measure(self, network)
        for name, measure in more.items():
            try:
                if found := measure():
                    results[name] = found
            except InputError as error:  # what was measured before is kept
                warnings.warn(f"{name} was not measured: {first_line(error)}", stacklevel=2)
        return results

    @functools.cached_property
    def classifier(self) -> Classifier | None:
        """A small classifier of the training examples; None where they have no classes."""
        return Classifier.of_labeled(self.data.train.x, self.data.train.y, self.unit)

    @functools.cached_property
    def network(self) -> FeatureNetwork | None:
        """The network that distances are measured on; None for the examples as they are."""
        name = self.settings.features
        if name == "auto":
            shape = self.data.element_shape
            return features.choose(shape, lambda: self.classifier, self.strategy)
        if name != "classifier":
            return features.load(name, self.strategy)
        if self.classifier is None:
            raise InputError(f"--features classifier needs classes, and {self.data.name} has none")
        return self.classifier

    @functools.cached_property
    def sampler(self) -> Callable[..., np.ndarray]:
        """Samples from (number, seed, condition), of the weights asked for."""
        return self.run.sampler(self.settings.weights, self.settings.truncation)

    def samples(self, seed: int) -> np.ndarray:
        """As many samples as asked for."""
        return self.sampler(self.settings.samples, seed)

    def unit(self, x: np.ndarray) -> np.ndarray:
        """Examples of the data as samples come: in [0, 1], after the run's preprocessing."""
        return self.run.preprocessing.unit(x)

    def part(self, split: Split) -> Split:
        """The part of a split in memory: all of it, or some of the pictures of a mapped file.

        A warning says how many.
        """
        most = _MOST_NUMBERS // math.prod(self.data.element_shape)
        if not isinstance(split.x, np.memmap) or len(split) <= most:
            return split
        warnings.warn(
            f"likelihoods and nearest examples are those of {most:,} examples drawn at random from "
            f"a split of {len(split):,}: more take too much memory",
            stacklevel=2,
        )
        rows = np.random.default_rng(self.settings.seed).permutation(len(split))[:most]
        return split[np.sort(rows)]

    @staticmethod
    def known(split: Split) -> Split | None:
        """The examples whose class is known, if there are any."""
        if split.y is None or not (split.y >= 0).any():
            return None
        return split[split.y >= 0]

    @property
    def is_tfd(self) -> bool:
        """Whether the data are the Toronto Face Database, whose likelihood is a mean over folds."""
        identity = self.run.identity
        return identity.get("dataset") == "tfd" and "fold" in identity  # a setting of its recipes

    def _check_settings(self) -> None:
        """Refuses now what a measurement would refuse after hours."""
        condition, least = self.run.condition, LEAST_EXAMPLES
        if isinstance(condition, Classes):
            least = max(least, 2 * condition.count)
        if self.settings.samples < least:
            raise InputError(
                f"--samples must be at least {least} for this run. Received: "
                f"{self.settings.samples}"
            )
        if self.is_tfd and self.settings.sets > 1:
            raise InputError(
                "--sets is not for tfd, whose likelihood is a mean over folds of one set of "
                f"samples; leave it out. Received: {self.settings.sets}"
            )

    def _check_data(self) -> None:
        for name, least in (("train", LEAST_TRAIN), ("test", LEAST_EXAMPLES)):
            n = len(getattr(self.data, name))
            if n < least:
                fewer = "; keras-gan measure takes fewer" if self.data.is_image else ""
                raise InputError(
                    f"an evaluation takes at least {least} {name} examples; {self.data.name} has "
                    f"{n}{fewer}"
                )
