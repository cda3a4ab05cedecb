"""Signs of collapse and of memorization; each name is imported on first use."""

from typing import Any

from keras_gan.core import lazy

_MODULES = {
    "CollapseDetector": "detector",
    "CollapseWarning": "thresholds",
    "Coverage": "coverage",
    "Detail": "support",
    "Diversity": "duplicates",
    "Gaps": "support",
    "Identical": "duplicates",
    "Memorization": "memorization",
    "ModesFound": "coverage",
    "ScoreGap": "memorization",
    "StackedModes": "stacked",
    "Support": "support",
    "Thresholds": "thresholds",
    "diagnose": "thresholds",
    "modes_found": "coverage",
    "score_gap": "memorization",
    "stacked_modes": "stacked",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    return lazy.load(__name__, name, _MODULES)
