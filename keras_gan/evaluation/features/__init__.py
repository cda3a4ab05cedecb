"""Networks whose features distances are computed on; imported on first use."""

from typing import Any

from keras_gan.core import lazy

_MODULES = {
    "Classifier": "classifier",
    "FeatureNetwork": "base",
    "choose": "choosing",
    "NAMES": "loading",
    "load": "loading",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    return lazy.load(__name__, name, _MODULES)
