"""A user's own arrays: a .npy file of one, or a .npz file of several."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import numpy as np

from keras_gan.core.errors import InputError, first_line
from keras_gan.data.dataset import SPLITS, DataSet, Split, from_16_bits, has_16_bits, hold_out

_SHORT_NAMES = {"x": "x_train", "images": "x_train", "y": "y_train", "labels": "y_train"}


def load_arrays(path: Path) -> DataSet:
    """Reads a file into memory; missing splits are held out from `train` by `hold_out`.

    - A .npy file: images `[n, h, w]` or `[n, h, w, c]`, or points `[n, d]`, as `Split` takes them.
    - A .npz file: `x_train` and, where there are any, `x_validation`, `x_test` and labels
      `y_train`, ...; for one array, `x` or `images` with `y` or `labels` serve as well.
    """
    content = _load_numpy(path)
    if "" in content:
        splits = {"train": Split(content[""], origin=path.name)}
    else:
        splits = _read_npz(path, content)
    train, validation, test, rule = hold_out(**splits)
    found = DataSet(path.resolve().stem, train, validation, test, provenance=f"{path}; {rule}")
    labels = [split.y for split in splits.values() if split.y is not None]
    if splits["train"].y is None or min(y.min() for y in labels) < 0:
        return found
    classes = 1 + max(int(y.max()) for y in labels)
    if classes > len(train):  # numbers of another kind, such as identifiers
        return found
    return dataclasses.replace(found, label_names=tuple(map(str, range(classes))))


def holds_points(path: Path) -> bool:
    """Whether a .npy or .npz file holds an array of two axes for examples, by its header alone."""
    short = {name for name, meant in _SHORT_NAMES.items() if meant == "x_train"}
    names = {f"{name}.npy" for name in ("x_train", *short)}
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False).ndim == 2
        with zipfile.ZipFile(path) as archive:
            (name,) = names & set(archive.namelist())
            with archive.open(name) as file:
                version = np.lib.format.read_magic(file)
                read = {(1, 0): np.lib.format.read_array_header_1_0}
                shape, *_ = read.get(version, np.lib.format.read_array_header_2_0)(file)
                return len(shape) == 2
    except Exception:  # any fault is reported when the data are loaded
        return False


def _read_npz(path: Path, content: dict[str, np.ndarray]) -> dict[str, Split]:
    arrays = {_SHORT_NAMES.get(key, key): array for key, array in content.items()}
    known = {f"{letter}_{split}" for split in SPLITS for letter in "xy"}
    unpaired = [key for key in arrays if key.replace("y_", "x_") not in arrays]
    if len(arrays) < len(content) or "x_train" not in arrays or arrays.keys() - known or unpaired:
        raise InputError(
            f"{path.name} must hold x_train, and may hold x_validation and x_test, and labels "
            "y_train, y_validation and y_test; or just x (or images) and y (or labels). Received: "
            f"{sorted(content)}"
        )
    images = [key for key in arrays if key.startswith("x_") and arrays[key].ndim in (3, 4)]
    if any(has_16_bits(arrays[key]) for key in images):  # a dark split alone may not show it
        for key in images:
            if arrays[key].dtype.newbyteorder("=") == np.uint16:
                arrays[key] = from_16_bits(arrays[key])
    return {
        split: Split(arrays[x], arrays.get(f"y_{split}"), origin=f"{path.name}: {x}")
        for split in SPLITS
        if (x := f"x_{split}") in arrays
    }


def _load_numpy(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by name, or that of a .npy file under ""."""
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            return {"": content} if isinstance(content, np.ndarray) else dict(content)
    except Exception as error:  # damaged files make NumPy raise exceptions of many kinds
        text = first_line(error)
        if "pickle" in text:
            text = "it is no file of NumPy, or holds Python objects instead of numbers"
        raise InputError(f"{path} cannot be read: {text}") from error
