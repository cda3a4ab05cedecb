"""Keras callbacks, one in each module, imported on first use: `sample_grid` has `SampleGrid`."""

import pkgutil
from typing import Any

from keras_gan.core import lazy

_MODULES = {
    module.name.title().replace("_", ""): module.name for module in pkgutil.iter_modules(__path__)
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    return lazy.load(__name__, name, _MODULES)
