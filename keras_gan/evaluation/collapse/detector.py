"""All diagnostics that apply to a data set, prepared once for many sets of samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from keras_gan.evaluation.arrays import as_rows, distinct
from keras_gan.evaluation.collapse.coverage import class_coverage, modes_found, region_coverage
from keras_gan.evaluation.collapse.duplicates import diversity, identical
from keras_gan.evaluation.collapse.memorization import memorization
from keras_gan.evaluation.collapse.thresholds import Result
from keras_gan.evaluation.features.classifier import Classifier
from keras_gan.evaluation.gaussians import GaussianMixture

LEAST_TRAIN = 50  # training examples
_FITTED_ON = 5000  # real examples that the components, regions and class shares are taken from
_COMPARED = 2000  # samples, and held-out examples, compared with the whole training set
_REGIONS = 20
_COMPONENTS = (16, 64)  # least and most
_EXPLAINED = 0.9


class CollapseDetector:
    """Measures the diversity of samples against one data set.

    Near-identical samples and copies are searched for in the principal components of the training
    set that hold 90 % of its variance (16 to 64 of them): noise on copies lies mostly outside and
    cannot hide them there.

    Args:
        train: The whole training set, `[n, ...]`, in the samples' range.
        held_out: Examples that G has not seen; with them comes the memorization test (on 2,000
            of them and of the samples at most).
        classifier: A classifier of this data set; with it class coverage is measured. The real
            shares and confidence it is compared with are those of training examples.
        mixture: The target, where it is a known mixture of Gaussians; with it modes are counted.
            With neither, the training set is divided into 20 regions by k-means and these are
            counted.
        seed: Seed of whatever is chosen at random.
    """

    def __init__(
        self,
        train: ArrayLike,
        *,
        held_out: ArrayLike | None = None,
        classifier: Classifier | None = None,
        mixture: GaussianMixture | None = None,
        seed: int = 0,
    ):
        rows = as_rows("train", train, minimum=LEAST_TRAIN)
        self._numbers = rows.shape[1]
        self._seed = seed
        self._classifier = classifier
        self._mixture = mixture
        some = np.random.default_rng(seed).permutation(len(rows))[:_FITTED_ON]
        self._real = rows[some]
        least, most = (min(count, self._numbers, len(some)) for count in _COMPONENTS)
        self._pca = PCA(most, random_state=seed).fit(self._real)
        explained = np.cumsum(self._pca.explained_variance_ratio_)
        self._components = int(np.clip(np.searchsorted(explained, _EXPLAINED) + 1, least, most))
        # Projected in blocks, equal rows need not stay equal.
        self._projected_train = self._project(distinct(rows))
        self._projected_real = self._project(self._real)
        self._projected_held_out = None
        if held_out is not None:
            unseen = as_rows("held_out", held_out, columns=self._numbers)
            self._projected_held_out = self._project(self._some(unseen, _COMPARED))
        if classifier is not None:
            self._real_probabilities = classifier.probabilities(np.asarray(train)[some])
        elif mixture is None:
            count = min(_REGIONS, len(some) // 25)
            self._regions = KMeans(count, n_init=1, random_state=seed).fit(self._projected_real)

    def examine(self, samples: ArrayLike) -> tuple[Result, ...]:
        """Every diagnostic that applies to samples `[n, ...]`, of which 1,000 are a good number."""
        rows = as_rows("samples", samples, minimum=2, columns=self._numbers)
        projected = self._project(rows)
        results: list[Result] = [
            identical(rows, self._real),
            diversity(projected, self._projected_real, seed=self._seed),
        ]
        if self._classifier is not None:
            probabilities = self._classifier.probabilities(samples)
            results.append(class_coverage(probabilities, self._real_probabilities))
        if self._mixture is not None:
            results.append(modes_found(rows, self._mixture))
        if self._classifier is None and self._mixture is None:
            regions, real = self._regions.predict(projected), self._regions.labels_
            results.append(region_coverage(regions, real, self._regions.n_clusters))
        if self._projected_held_out is not None:
            chosen = self._some(projected, _COMPARED)
            results.append(memorization(chosen, self._projected_train, self._projected_held_out))
        return tuple(results)

    def _some(self, rows: np.ndarray, most: int) -> np.ndarray:
        return rows[np.random.default_rng(self._seed).permutation(len(rows))[:most]]

    def _project(self, rows: np.ndarray) -> np.ndarray:
        return self._pca.transform(rows)[:, : self._components]
