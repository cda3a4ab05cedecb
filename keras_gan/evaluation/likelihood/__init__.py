"""The Parzen window log-likelihood and how far it can be trusted."""

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
