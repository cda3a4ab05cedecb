"""`config.json` of a run, written, and read with care: it may come from somebody else."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import types
from pathlib import Path
from typing import Any, NoReturn

from keras_gan import presets
from keras_gan.core.errors import InputError, question
from keras_gan.core.files import write_atomically
from keras_gan.core.paths import similar
from keras_gan.data import is_path, place
from keras_gan.data.pictures.options import SIDES
from keras_gan.data.preprocessing import from_config

FORMAT = 2
# Types of the entries of a configuration that are used; the others are for readers.
_TYPES: dict[str, type | tuple[type, ...]] = {
    "identity": dict,
    "settings": dict,
    "preprocessing": dict,
    "preset": dict,
    "sessions": list,
    "example_shape": list,
    "recipe": str,
    "data_dir": (str, types.NoneType),
    "checkpoint_dir": (str, types.NoneType),
    "epochs_done": int,
    "best_epochs": dict,
}


class _Entries(dict):
    """An object of a configuration; an entry that is missing is an `InputError`."""

    def __init__(self, file: Path, pairs: list[tuple[str, Any]]):
        super().__init__(pairs)
        self._file = file

    def __missing__(self, key: str) -> NoReturn:
        raise InputError(f"{self._file} has no entry {key!r}, which every run has; it is damaged")


def read(directory: Path) -> dict[str, Any]:
    """The configuration of a run, or of a preset whose files are all as they should be.

    Raises:
        InputError: It is neither, its format is another, or it is a preset that must not be used.
    """
    if directory.is_file():
        raise InputError(f"{directory} is a file; give the run directory")
    is_preset = presets.is_preset(directory)
    if is_preset:
        presets.check(directory)
    file = directory / "config.json"
    if not file.is_file():
        fault, near = "there is no such folder", similar(directory)
        if os.path.lexists(directory):
            runs = sorted(directory.glob("*/config.json"), key=lambda run: run.lstat().st_mtime)
            fault, near = "it has no config.json", [shlex.quote(str(r.parent)) for r in runs[-1:]]
        raise InputError(
            f"{directory} is not a run directory: {fault}; `keras-gan train` makes one. "
            f"Built-in presets: {', '.join(presets.BUILT_IN)}{question(near)}"
        )
    try:
        text = file.read_text(encoding="utf-8")
        config = json.loads(text, object_pairs_hook=lambda pairs: _Entries(file, pairs))
        version = int(config["format"])
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{file} cannot be read as the configuration of a run") from error
    if version < FORMAT:
        raise InputError(
            f"{directory} has format {version} of an earlier version; convert it in a checkout of "
            f"keras_gan: python -m reproduce.convert {directory} NEW_DIRECTORY"
        )
    if version > FORMAT:
        raise InputError(
            f"{directory} has format {version}; this version of keras_gan reads {FORMAT}, install "
            "a newer one"
        )
    wrong = [k for k, kind in _TYPES.items() if k in config and not isinstance(config[k], kind)]
    if wrong:
        raise InputError(f"{file} is damaged: {wrong[0]!r} is {config[wrong[0]]!r}")
    if is_preset and str(config.get("recipe")).endswith(".py"):
        raise InputError(
            f"{directory} is not loaded: it names the recipe file {config['recipe']}, which may "
            "contain any Python code, and a preset consists of data only"
        )
    return config


def write(directory: Path, config: dict[str, Any]) -> None:
    """Writes the configuration of a run; values of types that JSON lacks become texts."""
    write_atomically(directory / "config.json", json.dumps(config, indent=1, default=str))


def name_data(config: dict[str, Any], dataset: str | None, preprocessing: str | None) -> None:
    """Notes the data of a model that does not name them, and the preprocessing.

    Of a run it may be another place of the same data.

    Raises:
        InputError: The configuration names them already, or there is no such preprocessing.
    """
    if config["recipe"] and dataset and not preprocessing and is_path(dataset):
        config["dataset"] = place(dataset)
        return
    if config["recipe"]:
        raise InputError(
            "this run names its data and their preprocessing; leave out --dataset and "
            "--preprocessing, or give the place to which the data were moved"
        )
    if preprocessing:
        stored = config["preprocessing"]["name"]
        if stored not in ("identity", preprocessing):
            raise InputError(
                f"this preset names its preprocessing, {stored}; leave out --preprocessing. "
                f"Received: {preprocessing!r}"
            )
        config["preprocessing"] = from_config({"name": preprocessing}).get_config()
    if dataset:
        named = {"dataset": dataset, "preprocessing": config["preprocessing"]["name"]}
        config["identity"] |= named
        settings = {**named, **_of_shape(config["example_shape"])}
        config |= {"recipe": "own_data", "settings": settings, "dataset": place(dataset)}


def _of_shape(shape: list[int]) -> dict[str, Any]:
    """The options with which pictures get the shape that a model generates."""
    if len(shape) != 3 or shape[0] not in SIDES or shape[1] not in SIDES:
        return {}
    height, width, channels = shape
    return {"size": f"{width}x{height}", "channels": channels if channels <= 4 else 0}


def identity_hash(identity: dict[str, Any]) -> str:
    """8 hexadecimal digits that stand for an identity."""
    text = json.dumps(identity, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def differences(before: dict[str, Any], identity: dict[str, Any]) -> list[str]:
    """Sentences on all that tells one identity from another; none for the same run."""
    # Earlier versions noted the places of data and of their classes, not just their names.
    places = {key: str(before[key]) for key in ("dataset", "classes") if key in before}
    same = {
        key
        for key, place in places.items()
        if os.path.basename(os.path.normpath(place)) == identity.get(key)
    }
    return [
        "the data: files were added, removed or changed since"
        if key == "data"
        else f"{key}: {before.get(key)!r} there, {identity.get(key)!r} now"
        for key in sorted({*before, *identity} - same)
        if before.get(key) != identity.get(key)
    ]
