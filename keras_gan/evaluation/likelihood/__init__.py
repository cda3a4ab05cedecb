"""The Parzen window log-likelihood, and how reliable it is."""

from typing import Any

from keras_gan.core import lazy
from keras_gan.evaluation.likelihood.estimates import (
    Estimate,
    FoldsLikelihood,
    LogLikelihood,
    ParzenSettings,
    log_likelihood,
    log_likelihood_given_classes,
    log_likelihood_over_folds,
)

__all__ = [
    "Estimate",
    "FoldsLikelihood",
    "LogLikelihood",
    "ParzenSettings",
    "log_likelihood",
    "log_likelihood_given_classes",
    "log_likelihood_over_folds",
]


def __getattr__(name: str) -> Any:
    return lazy.load(__name__, name, {"ParzenWindow": "parzen"})
