"""Recipes: the settings of a run as data, one file each.

`get("mnist")` gives one of ours, `get("path/to/recipe.py")` a user's own.
"""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

from keras_gan.core.errors import InputError
from keras_gan.data import DataSet, open_shards
from keras_gan.experiment.recipe import Recipe, from_file
from keras_gan.experiment.run import Run

NAMES = (
    "digits",
    "digits_conditional",
    "digits_inference",
    "digits_completion",
    "digits_semi_supervised",
    "mnist",
    "mnist_tuned",
    "mnist_conditional",
    "mnist_inference",
    "mnist_completion",
    "mnist_semi_supervised",
    "tfd",
    "tfd_stage2",
    "cifar10_mlp",
    "cifar10_conv",
    "cifar10_conv_tuned",
    "own_data",
    "ring",
    "gaussian_grid",
)

__all__ = ["NAMES", "Recipe", "data_of", "from_file", "get"]


def get(name: str) -> Recipe:
    """The recipe of that name, or of that Python file.

    Raises:
        InputError: There is none.
    """
    if name.endswith(".py"):
        return from_file(name)
    if name not in NAMES:
        raise InputError(
            f"unknown recipe {name!r}; choose from {', '.join(NAMES)}, "
            "or give a file that ends in .py"
        )
    return importlib.import_module(f"keras_gan.recipes.{name}").RECIPE


def data_of(run: Run, data_dir: str | None = None, fold: int | None = None) -> DataSet:
    """The data that a run was trained on; of a stream, what it held in memory.

    Args:
        run: The run.
        data_dir: Directory of tensorflow-datasets; by default the run's own.
        fold: Another fold of TFD than the run's.

    Raises:
        InputError: The data are gone, or are no longer the same.
    """
    recipe = get(run.config["recipe"])
    settings = {name: run.identity[name] for name in recipe.settings() if name in run.identity}
    # Where the data lie, in any folder, unless they were moved together with the run.
    place = run.config.get("dataset")
    if place and Path(place).exists():
        settings["dataset"] = place
    recipe = dataclasses.replace(recipe, **settings)
    own_fold = run.identity["fold"]
    data_dir = data_dir or run.config["data_dir"]
    if "shards" in run.identity:
        found, _ = open_shards(recipe.dataset, data_dir)
    else:
        found = recipe.load_data(data_dir, fold=own_fold if fold is None else fold)
    if fold is None and found.fingerprint != run.identity["data"]:
        raise InputError(
            f"data set {recipe.dataset!r} is not the one that {run.path} was trained on "
            f"(fingerprint {found.fingerprint}, then {run.identity['data']})"
        )
    return found
