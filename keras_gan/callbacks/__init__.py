"""Keras callbacks; each is imported on first use."""

from typing import Any

from keras_gan.core import lazy

_MODULES = {
    "Checkpoint": "checkpoint",
    "CollapseMonitor": "collapse_monitor",
    "LearningRateScheduler": "learning_rate_scheduler",
    "SampleGrid": "sample_grid",
    "StopOnNonFinite": "stop_on_nonfinite",
    "StopOnRequest": "stop_on_request",
    "ValidationLikelihood": "likelihood",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    return lazy.load(__name__, name, _MODULES)
