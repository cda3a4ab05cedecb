"""Keras callbacks."""

from keras_gan.callbacks.all import (
    Checkpoint,
    SampleGrid,
    StopOnNonFinite,
    StopOnRequest,
    ValidationLikelihood,
)

__all__ = ["Checkpoint", "SampleGrid", "StopOnNonFinite", "StopOnRequest", "ValidationLikelihood"]
