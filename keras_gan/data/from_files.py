"""A user's own data: a folder of images, a .npy array or a .npz file of arrays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import rich
from rich.progress import track

from keras_gan.core.errors import InputError, first_line
from keras_gan.data.dataset import DataSet, Split, hold_out

_SPLITS = ("train", "validation", "test")
_SHORT_NAMES = {"x": "x_train", "images": "x_train", "y": "y_train", "labels": "y_train"}
_SPLIT_FOLDERS = {name: name for name in _SPLITS} | {"valid": "validation", "val": "validation"}
_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
# Pillow's mode of a file -> the mode it is read in.
_MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}


def load_path(path: Path) -> DataSet:
    """Reads into memory a file or folder; missing splits are held out from `train` by `hold_out`.

    - A folder of images is searched recursively; all have one size and are gray, or all RGB.
      When every image lies in some folder below it, the folders right below are classes; if they
      are called `train`, `validation` and `test` (`train` at least), they are splits, which may
      hold classes.
    - A .npy file: images `[n, h, w]` or `[n, h, w, c]`, or points `[n, d]`, as `Split` takes them.
    - A .npz file: `x_train` and, where there are any, `x_validation`, `x_test` and labels
      `y_train`, ...; for one array, `x` or `images` with `y` or `labels` serve as well.
    """
    classes = None
    if path.is_dir():
        splits, classes = _read_folder(path)
    elif path.is_file() and path.suffix == ".npy":
        splits = {"train": Split(_load_numpy(path)[""], origin=path.name)}
    elif path.is_file() and path.suffix == ".npz":
        splits = _read_npz(path)
    elif path.exists():
        raise InputError(
            f"data must be a folder of images, a .npy or a .npz file. Received: {path}"
        )
    else:
        raise InputError(f"there is no file or folder {path}")
    train, validation, test, rule = hold_out(**splits)
    name = path.resolve().name.removesuffix(path.suffix if path.is_file() else "")
    return DataSet(name, train, validation, test, classes, provenance=f"{path}; {rule}")


def _read_npz(path: Path) -> dict[str, Split]:
    content = _load_numpy(path)
    arrays = {_SHORT_NAMES.get(key, key): array for key, array in content.items()}
    known = {f"{letter}_{split}" for split in _SPLITS for letter in "xy"}
    unpaired = [key for key in arrays if key.replace("y_", "x_") not in arrays]
    if len(arrays) < len(content) or "x_train" not in arrays or arrays.keys() - known or unpaired:
        raise InputError(
            f"{path.name} must hold x_train, and may hold x_validation and x_test, and labels "
            "y_train, y_validation and y_test; or just x (or images) and y (or labels). Received: "
            f"{sorted(content)}"
        )
    return {
        split: Split(arrays[x], arrays.get(f"y_{split}"), origin=f"{path.name}: {x}")
        for split in _SPLITS
        if (x := f"x_{split}") in arrays
    }


def _load_numpy(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by name, or that of a .npy file under ""."""
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            return {"": content} if isinstance(content, np.ndarray) else dict(content)
    except Exception as error:  # damaged files make NumPy raise exceptions of many kinds
        raise InputError(f"{path} cannot be read: {first_line(error)}") from error


def _read_folder(folder: Path) -> tuple[dict[str, Split], tuple[str, ...] | None]:
    """The splits of a folder of images, and the names of its classes if it has them."""
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in _IMAGE_SUFFIXES and not file.name.startswith(".")
    )
    if not files:
        raise InputError(f"{folder} holds no images ({', '.join(_IMAGE_SUFFIXES)})")
    places = [file.relative_to(folder).parts for file in files]
    below = {place[0] if len(place) > 1 else "" for place in places}
    if "train" in below and below <= _SPLIT_FOLDERS.keys():
        places = [(_SPLIT_FOLDERS[first], *rest) for first, *rest in places]
    else:
        places = [("train", *place) for place in places]
    # Now a place is (split, file) or (split, class, ..., file).
    has_classes = all(len(place) > 2 for place in places)
    classes = tuple(sorted({place[1] for place in places})) if has_classes else None
    x, splits = _read_images(files), {}
    for split in {place[0] for place in places}:
        rows = [i for i, place in enumerate(places) if place[0] == split]
        y = np.array([classes.index(places[i][1]) for i in rows]) if classes else None
        splits[split] = Split(x[rows], y, origin=str(folder))
    return splits, classes


def _read_images(files: list[Path]) -> np.ndarray:
    """Images uint8 `[n, h, w, c]` from files of one size and kind."""
    first = _read_image(files[0])
    x = np.empty((len(files), *first.shape), np.uint8)
    shown = rich.get_console().is_terminal
    progress: Iterable[Path] = track(files, "Reading images", transient=True, disable=not shown)
    for i, file in enumerate(progress):
        image = _read_image(file)
        if image.shape != first.shape:
            raise InputError(
                f"all images must have one size and be all gray or all RGB, but {files[0]} is "
                f"{_describe(first)} and {file} is {_describe(image)}"
            )
        x[i] = image
    return x


def _read_image(file: Path) -> np.ndarray:
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            upright = ImageOps.exif_transpose(image)  # by the camera's orientation tag
            mode = image.mode
            plain = mode in _MODES and getattr(image, "n_frames", 1) == 1
            pixels = np.asarray(upright.convert(_MODES[mode]), np.uint8) if plain else None
    except Exception as error:  # damaged files make Pillow raise exceptions of many kinds
        raise InputError(f"{file} cannot be read as an image: {first_line(error)}") from error
    if pixels is None or "transparency" in image.info:
        raise InputError(
            f"{file} must be one gray or RGB image of 8 bits a channel without transparency. "
            f"Received: mode {mode}, {getattr(image, 'n_frames', 1)} frame(s)"
        )
    return pixels.reshape(*pixels.shape[:2], -1)


def _describe(image: np.ndarray) -> str:
    return f"{image.shape[0]} x {image.shape[1]} {'gray' if image.shape[2] == 1 else 'RGB'}"
