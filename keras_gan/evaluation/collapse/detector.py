"""All diagnostics that apply to a data set, prepared once for many sets of samples."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from sklearn.cluster import KMeans

from keras_gan.evaluation.arrays import as_examples, as_rows, distinct, distinct_blocks, in_blocks
from keras_gan.evaluation.collapse.components import Components
from keras_gan.evaluation.collapse.coverage import class_coverage, modes_found, region_coverage
from keras_gan.evaluation.collapse.duplicates import diversity, identical
from keras_gan.evaluation.collapse.memorization import Memorization, memorization, spectra
from keras_gan.evaluation.collapse.support import detail, gaps, support
from keras_gan.evaluation.collapse.thresholds import Result
from keras_gan.evaluation.features.classifier import Classifier
from keras_gan.evaluation.gaussians import GaussianMixture

LEAST_TRAIN = 50  # training examples
_FITTED_ON = 5000  # real examples that the components, regions and class shares are taken from
_MOST_NUMBERS = 2**25  # in them: of large images fewer are taken, but no fewer than 1,000
_COMPARED = 1000  # samples, and held-out examples, at most, that are compared with others
_LEAST_COMPARED = 100  # of each: among fewer, 20 neighbors are no neighborhood
_REGIONS = 20
_BLOCK = 1000  # images whose spectra are computed at a time


class CollapseDetector:
    """Measures the diversity of samples against one data set.

    Near-identical samples and copies are searched for in the principal components of the training
    set that hold 90 % of its variance (16 to 64 of them): noise on copies lies mostly outside and
    cannot hide them there. Supports are compared there too. Where all training examples are the
    same there is no diversity to compare: a warning says that only identical samples are counted.

    Args:
        train: The whole training set, `[n, ...]`. It is read in blocks, and may be a mapped file.
        held_out: Examples that G has not seen. With them come the search for copies and, with 100
            or more, the comparison with training examples: recall, gaps and detail.
        classifier: A classifier of this data set; with it class coverage is measured. The real
            shares and confidence it is compared with are those of training examples.
        mixture: The target, where it is a known mixture of Gaussians; with it modes are counted,
            and supports need not be compared. With neither, the training set is divided into 20
            regions by k-means and these are counted.
        seed: Seed of whatever is chosen at random.
        prepare: Brings examples of `train` and `held_out` to the samples' range.
    """

    def __init__(
        self,
        train: ArrayLike,
        *,
        held_out: ArrayLike | None = None,
        classifier: Classifier | None = None,
        mixture: GaussianMixture | None = None,
        seed: int = 0,
        prepare: Callable[[np.ndarray], ArrayLike] = np.asarray,
    ):
        train = as_examples("train", train, minimum=LEAST_TRAIN)
        self._numbers = math.prod(train.shape[1:])
        self._seed = seed
        self._classifier = classifier
        self._mixture = mixture
        fitted_on = min(_FITTED_ON, max(_COMPARED, _MOST_NUMBERS // self._numbers))
        some = np.asarray(prepare(self._some(train, fitted_on)))
        self._real = as_rows("train", some)
        self._varies = _varies(self._real)
        if not self._varies:
            warnings.warn(
                "all training examples are the same: only identical samples are counted",
                stacklevel=2,
            )
            return
        self._components = Components(self._real, seed)
        self._projected_real = self._components.project(self._real)
        self._held_out = None
        if held_out is not None:
            held_out = self._some(as_examples("held_out", held_out), _COMPARED)
            self._held_out = as_rows("held_out", prepare(held_out), columns=self._numbers)
            self._shape = train.shape[1:]
            self._features = [self._components.project]  # in which copies are searched for
            if len(self._shape) == 3 and _varies(of_real := self._spectra(self._real)):
                of_spectra = Components(of_real, seed)
                self._features.append(lambda rows: of_spectra.project(self._spectra(rows)))
            self._of_held_out = self._features_of(self._held_out)
            # Projected in blocks, equal rows need not stay equal.
            blocks = distinct_blocks(in_blocks("train", train, prepare))
            of_blocks = zip(*map(self._features_of, blocks), strict=True)
            self._of_train = [np.concatenate(parts) for parts in of_blocks]
        if classifier is not None:
            self._real_probabilities = classifier.probabilities(some)
        elif mixture is None:
            count = min(_REGIONS, len(some) // 25, len(distinct(self._real)))
            self._regions = KMeans(count, n_init=1, random_state=seed).fit(self._projected_real)

    def examine(self, samples: ArrayLike) -> tuple[Result, ...]:
        """Every diagnostic that applies to samples `[n, ...]`, of which 1,000 are a good number."""
        rows = as_rows("samples", samples, minimum=2, columns=self._numbers)
        rows = rows.astype(self._real.dtype, copy=False)  # scikit-learn compares equal types only
        results: list[Result] = [identical(rows, self._real)]
        if not self._varies:
            return tuple(results)
        projected = self._components.project(rows)
        results.append(diversity(projected, self._projected_real, seed=self._seed))
        if self._classifier is not None:
            probabilities = self._classifier.probabilities(samples)
            results.append(class_coverage(probabilities, self._real_probabilities))
        if self._mixture is not None:
            results.append(modes_found(rows, self._mixture))
        if self._classifier is None and self._mixture is None:
            regions, real = self._regions.predict(projected), self._regions.labels_
            results.append(region_coverage(regions, real, self._regions.n_clusters))
        if self._held_out is not None:
            some = self._some(rows, _COMPARED)
            features = self._features_of(some)
            results += self._compared(some, features[0], self._held_out)
            results.append(self._memorization(features))
        return tuple(results)

    def _compared(
        self, rows: np.ndarray, projected: np.ndarray, held_out: np.ndarray
    ) -> Iterator[Result]:
        """How samples, and training examples, compare with held-out ones."""
        if self._mixture is not None or min(len(rows), len(held_out)) < _LEAST_COMPARED:
            return
        sets = projected, self._projected_real, self._of_held_out[0]
        yield support(*sets, features="principal components of the data")
        yield gaps(*sets)
        if found := detail(self._components.outside(rows), self._components.outside(held_out)):
            yield found

    def _memorization(self, features: Sequence[np.ndarray]) -> Memorization:
        found, *altered = map(memorization, features, self._of_train, self._of_held_out)
        return replace(found, altered=altered[0].copies) if altered else found

    def _features_of(self, rows: np.ndarray) -> list[np.ndarray]:
        """Coordinates along the components and, of images that vary, along those of spectra."""
        return [features(rows) for features in self._features]

    def _spectra(self, rows: np.ndarray) -> np.ndarray:
        parts = (rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK))
        return np.concatenate([spectra(part.reshape(-1, *self._shape)) for part in parts])

    def _some(self, examples: np.ndarray, most: int) -> np.ndarray:
        return examples[np.random.default_rng(self._seed).permutation(len(examples))[:most]]


def _varies(rows: np.ndarray) -> bool:
    """Whether some examples differ."""
    return bool((rows != rows[0]).any())
