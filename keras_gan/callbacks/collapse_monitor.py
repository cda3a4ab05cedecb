"""A look at the samples during `fit`: has the generator collapsed?"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from keras_gan.callbacks.after_epochs import AfterEpochs
from keras_gan.core.arguments import whole
from keras_gan.core.files import write_atomically
from keras_gan.data import DataSet
from keras_gan.data.preprocessing import Preprocessing, checked
from keras_gan.evaluation.collapse.coverage import Coverage, ModesFound
from keras_gan.evaluation.collapse.detector import CollapseDetector
from keras_gan.evaluation.collapse.duplicates import Diversity
from keras_gan.evaluation.collapse.thresholds import CollapseWarning, Result, Thresholds, diagnose
from keras_gan.evaluation.features.classifier import Classifier

_log = logging.getLogger("keras_gan")


class CollapseMonitor(AfterEpochs):
    """Warns in plain words when samples lose the data's diversity (section 6, "Helvetica").

    Adds to the logs of the epochs that it examines: `warnings`, how many are raised; `kinds_found`,
    of the classes, modes or regions that the detector counts; `sample_spread`, the samples'
    variance over the data's. A warning is logged when the examination before did not raise it.

    Args:
        detector: Of the data, on the scale that `denormalize` gives.
        denormalize: From G's output to the detector's scale.
        samples: Samples of an examination, at least 2; fewer than 100 are not searched for
            near-identical ones.
        every: Epochs between two examinations, at least 1; the last epoch is always examined.
        seed: Seed of the samples.
        thresholds: When a measurement is a warning.
        file: Where the warnings of the latest examination go, as JSON.

    Attributes:
        warnings: The warnings of the latest examination.

    Example:
        >>> monitor = CollapseMonitor.of(data_set, preprocessing, every=5)
        >>> gan.fit(images, epochs=50, callbacks=[monitor])
    """

    def __init__(
        self,
        detector: CollapseDetector,
        denormalize: Callable[[np.ndarray], np.ndarray] = np.asarray,
        samples: int = 1000,
        every: int = 1,
        seed: int = 2,
        thresholds: Thresholds | None = None,
        file: Path | None = None,
    ):
        super().__init__()
        self._detector = detector
        self._denormalize = denormalize
        self._samples = whole("samples", samples, 2)
        self._every = whole("every", every)
        self._seed = seed
        self._thresholds = thresholds or Thresholds()
        self._file = file
        self.warnings: tuple[CollapseWarning, ...] = ()

    @classmethod
    def of(cls, data: DataSet, preprocessing: Preprocessing, **settings) -> CollapseMonitor:
        """The monitor of a data set: its classes, where it has labels, and memorization.

        Trains the small classifier, which takes seconds. `preprocessing` gives the scale that G
        learns on; `**settings` are the constructor's `samples`, `every`, `seed`,
        `thresholds`, `file`.
        """
        train, held_out, unit = data.train, data.validation.x, checked(preprocessing).unit
        classifier = Classifier.of_labeled(train.x, train.y, unit)
        detector = CollapseDetector(train.x, held_out=held_out, classifier=classifier, prepare=unit)
        return cls(detector, preprocessing.denormalize, **settings)

    def look(self, epoch, logs):
        ema = self.model.ema_generator is not None
        samples = self.model.generate(self._samples, self._seed, ema=ema)
        results = self._detector.examine(self._denormalize(samples))
        known = {warning.name for warning in self.warnings}
        self.warnings = diagnose(*results, thresholds=self._thresholds)
        for warning in self.warnings:
            if warning.name not in known:
                _log.warning("epoch %d: %s", epoch + 1, warning)
        if self._file is not None:
            raised = [dataclasses.asdict(warning) for warning in self.warnings]
            write_atomically(self._file, json.dumps({"epoch": epoch, "warnings": raised}))
        logs["warnings"] = float(len(self.warnings))
        logs.update(_summary(results, self._thresholds))


def _summary(results: Sequence[Result], limits: Thresholds) -> dict[str, float]:
    """Kinds found and spread, which every examination measures."""
    summary: dict[str, float] = {}
    for result in results:
        if isinstance(result, Diversity):
            summary["sample_spread"] = result.spread
        elif isinstance(result, ModesFound):
            summary["kinds_found"] = float(result.found)
        elif isinstance(result, Coverage):
            missing = result.missing(limits.found, limits.expected)
            summary["kinds_found"] = float(len(result.shares) - len(missing))
    return summary
