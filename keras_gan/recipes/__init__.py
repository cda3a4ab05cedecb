"""Recipes: one module each, with its settings and the function that makes its model.

`get("mnist")` gives one of ours, `get("path/to/recipe.py")` a user's own.
"""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path
from typing import Any

from keras_gan.core import lazy
from keras_gan.core.errors import InputError, question
from keras_gan.core.settings import fields
from keras_gan.data import DataSet, open_shards
from keras_gan.experiment.job import RESERVED, Options
from keras_gan.experiment.recipe import Recipe, from_file
from keras_gan.experiment.run import Run

NAMES = (
    "pictures",
    "mnist_10k",
    "digits",
    "digits_conditional",
    "digits_inference",
    "digits_inpainting",
    "digits_semi_supervised",
    "mnist",
    "mnist_tuned",
    "mnist_conditional",
    "mnist_inference",
    "mnist_inpainting",
    "mnist_semi_supervised",
    "mnist_r3gan",
    "mnist_r3gan_conditional",
    "stacked_mnist",
    "tfd",
    "tfd_stage2",
    "cifar10_mlp",
    "cifar10_conv",
    "cifar10_conv_tuned",
    "sngan_cifar10",
    "r3gan_cifar10",
    "own_data",
    "ring",
    "gaussian_grid",
    "ring_r3gan",
    "grid_r3gan",
)

__all__ = ["NAMES", "Recipe", "data_of", "flags", "get"]


def __getattr__(name: str) -> Any:
    return lazy.load(__name__, name)


def get(name: str) -> Recipe:
    """The recipe of that name, or of that Python file; `InputError` if it does not exist."""
    if name.endswith(".py"):
        return from_file(name, (*RESERVED, *(field.name for field in fields(Options))))
    if name not in NAMES:
        raise InputError(
            f"unknown recipe {name!r}; choose from {', '.join(NAMES)}, "
            "or give a file that ends in .py"
            f"{question(difflib.get_close_matches(name.lower(), NAMES))}"
        )
    return Recipe(name, importlib.import_module(f"keras_gan.recipes.{name}"), name)


def flags() -> dict[str, list[str]]:
    """The flags of all recipes' settings, each with the recipes that have it."""
    known: dict[str, list[str]] = {}
    for name in NAMES:
        for flag in (flag for field in fields(get(name).settings) for flag in field.flags):
            known.setdefault(flag, []).append(name)
    return known


def data_of(run: Run, data_dir: str | None = None, fold: int | None = None) -> DataSet:
    """The data that a run was trained on; of a stream, what it held in memory.

    Args:
        run: The run.
        data_dir: Directory of tensorflow-datasets; by default the run's own.
        fold: Another fold of TFD than the run's.

    Raises:
        InputError: The data are gone, or are no longer the same; or the run's recipe is a file that
            is not trusted (`Run.open`).
    """
    name = run.recipe()
    if not name:
        raise InputError(
            f"{run.path} does not name the data that it was trained on; add --dataset NAME, and "
            "--preprocessing NAME if they were scaled (in Python: arguments of Run.open)"
        )
    recipe = get(name)
    names = {field.name for field in fields(recipe.settings)}
    values = {name: value for name, value in run.settings.items() if name in names}
    # Where the data lie, in any folder, unless they were moved together with the run.
    place = run.config.get("dataset")
    if "dataset" in names and place:
        if Path(place).exists():
            values["dataset"] = place
        elif Path(place).is_absolute() and not Path(values["dataset"]).exists():
            raise InputError(
                f"the data of {run.path}, {place}, are gone: move them back, or say where they are "
                "with --dataset"
            )
    labels = run.config.get("classes")
    if "classes" in names and labels and Path(labels).exists():
        values["classes"] = labels
    if fold is not None:
        values["fold"] = fold
    settings = recipe.settings(**values)
    data_dir = data_dir or run.config["data_dir"]
    if "shards" in run.identity:
        data_set, _ = open_shards(values["dataset"], data_dir)
    else:
        data_set = recipe.load_data(settings, data_dir, cache_dir=run.config.get("cache_dir"))
    known = run.identity.get("data")  # of a model whose data the user named it is not
    if fold is None and known is not None and data_set.fingerprint != known:
        raise InputError(
            f"data set {data_set.name!r} is not the one that {run.path} was trained on "
            f"(fingerprint {data_set.fingerprint}, then {known}): bring its files back to what "
            "they were, or train another run on them"
        )
    return data_set
