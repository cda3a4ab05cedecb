"""Recipes: the settings of a run as data, one file each.

`get("mnist")` gives one of ours, `get("path/to/recipe.py")` a user's own.
"""

from __future__ import annotations

import importlib

from keras_gan.errors import InputError
from keras_gan.recipes.recipe import Recipe, from_file

NAMES = ("digits", "mnist", "tfd", "tfd_stage2", "cifar10_mlp", "cifar10_conv", "own_data")

__all__ = ["NAMES", "Recipe", "from_file", "get"]


def get(name: str) -> Recipe:
    """The recipe of that name, or of that Python file.

    Raises:
        InputError: There is none.
    """
    if name.endswith(".py"):
        return from_file(name)
    if name not in NAMES:
        raise InputError(
            f"unknown recipe {name!r}; choose from {', '.join(NAMES)}, or give a file that ends in .py"
        )
    return importlib.import_module(f"keras_gan.recipes.{name}").RECIPE
