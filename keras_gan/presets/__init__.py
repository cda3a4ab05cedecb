"""Trained models that load by a name: from this package, a directory or a hub.

A preset is a small run directory, which no command changes:

    config.json                     format, identity, settings, preprocessing, versions
    models/last.keras               the GAN; its weights are stored as float16
    evaluation.json, metrics.csv    numbers, if the run has them
    samples.npz                     samples and their seed, which the loaded model gives again
    samples.png, README.md          the samples as a picture, the model card
    SHA256SUMS                      checksums of these files, as `sha256sum --check` reads them

Importing this package loads neither TensorFlow nor Keras.
"""

from __future__ import annotations

import importlib
import os
import re
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from keras_gan.core.errors import InputError, first_line
from keras_gan.core.files import sha256, write_atomically
from keras_gan.core.paths import cache_folder, check_path

__all__ = [
    "BUILT_IN",
    "cache_folder",
    "check",
    "directory",
    "find",
    "is_model",
    "is_preset",
    "samples",
    "seal",
    "PLACES",
    "without_folders",
]

BUILT_IN: Mapping[str, str] = types.MappingProxyType(
    {
        "digits": "handwritten digits of scikit-learn, 8x8; fully connected networks",
        "mnist": "MNIST, 28x28; the networks and the schedule of the paper",
        "mnist_tuned": "MNIST, 28x28; the networks of the paper with Adam, 35 epochs",
        "mnist_conditional": "MNIST, 28x28, a class for each sample; fully connected networks",
    }
)
_SUMS = "SHA256SUMS"
_NEEDED = ("config.json", "models/last.keras")
# All that is read. Other files, such as the model card, may be changed.
_READ = (*_NEEDED, "evaluation.json", "metrics.csv", "samples.npz")


def find(handle: str | os.PathLike[str]) -> Path:
    """The directory of a preset; one on a hub is downloaded, or updated.

    Args:
        handle: The name of a built-in preset, `hf://USER/REPO`, `kaggle://USER/MODEL/keras/NAME` or
            a directory, which is returned as it is.

    Raises:
        InputError: There is no such hub, its package is not installed, or the download fails.
    """
    text = os.fspath(handle)
    if text in BUILT_IN:
        return Path(__file__).parent / text
    scheme, separator, name = text.partition("://")
    if not separator:
        check_path("a preset", text)
        return directory(text)
    if scheme not in _HUBS:
        raise InputError(
            f"unknown preset {text!r}; give one of {', '.join(BUILT_IN)}, a directory, "
            "hf://USER/REPO or kaggle://USER/MODEL/keras/NAME"
        )
    package, pattern, form, download = _HUBS[scheme]
    if not re.fullmatch(pattern, name):
        raise InputError(f"a preset of this hub has the form {scheme}://{form}. Received: {text!r}")
    try:
        hub = importlib.import_module(package)
    except ImportError as error:
        raise InputError(
            f"{text} needs the package {package}; install it: pip install {package}"
        ) from error
    try:
        return Path(download(hub, name))
    except Exception as error:  # of the package, which has many kinds
        raise InputError(f"{text} cannot be downloaded: {first_line(error)}") from error


def directory(path: str | os.PathLike[str]) -> Path:
    """The path of a directory, absolute where `find` would take its name for a preset's."""
    path = Path(path)  # which drops the "./" that tells them apart
    return path.absolute() if str(path) in BUILT_IN else path


def _from_hugging_face(hub: types.ModuleType, name: str) -> str:
    # Into a folder of its own: the cache of huggingface_hub consists of links.
    folder = cache_folder() / "presets" / name
    path = hub.snapshot_download(name, local_dir=folder, allow_patterns=[_SUMS, *_READ])
    if is_preset(folder):  # with files of earlier revisions, which the package leaves there
        for left in {*_READ} - {*_sums(folder)}:
            (folder / left).unlink(missing_ok=True)
    return path


_NAME = r"[\w-][\w.-]*"
_HUBS: dict[str, tuple[str, str, str, Callable[[types.ModuleType, str], str]]] = {
    "hf": ("huggingface_hub", f"{_NAME}/{_NAME}", "USER/REPO", _from_hugging_face),
    "kaggle": (
        "kagglehub",
        f"{_NAME}(/{_NAME}){{3,4}}",
        "USER/MODEL/keras/NAME or USER/MODEL/keras/NAME/VERSION",
        lambda hub, name: hub.model_download(name),
    ),
}


def is_model(text: str) -> bool:
    """Whether a text names a run, a preset or a `.keras` file, in this order of what exists."""
    path = Path(text)
    if path.is_dir():
        return (path / "config.json").is_file()
    return text in BUILT_IN or text.endswith(".keras") or "://" in text


def is_preset(directory: Path) -> bool:
    """Whether a directory is a preset, rather than a run."""
    return os.path.lexists(directory / _SUMS)


def check(directory: Path) -> None:
    """Checks all files of a preset that are read, before any of them is used.

    Raises:
        InputError: A file is missing, is a link, or is not the one that `SHA256SUMS` describes; or
            the samples hold Python objects, which would be code.
    """
    sums = _sums(directory)
    for name in _READ:
        file = directory / name
        if not os.path.lexists(file) and name not in (*_NEEDED, *sums):
            continue
        _check_plain(directory, name)
        if sums.get(name) != sha256(file):
            raise InputError(
                f"{file} is not the file that {_SUMS} describes: the preset is damaged or was "
                "changed; get it again"
            )
    samples(directory)


def _sums(directory: Path) -> dict[str, str]:
    """The checksum of each file, by its name."""
    _check_plain(directory, _SUMS)
    try:
        lines = (directory / _SUMS).read_text(encoding="utf-8").splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except ValueError as error:
        raise InputError(f"{directory / _SUMS} cannot be read as a list of checksums") from error


def _check_plain(directory: Path, name: str) -> None:
    """Refuses a link, which could lead anywhere, and a pipe, which may never end."""
    file = directory / name
    if file.is_symlink() or (file.parent != directory and file.parent.is_symlink()):
        raise InputError(f"{file} is a link, and a preset has none; get the preset again")
    if not file.is_file():
        raise InputError(f"{directory} is not a preset: it has no file {name}")


def samples(directory: Path) -> dict[str, np.ndarray]:
    """The stored samples.

    Returns:
        "examples", float32 `[n, ...]`, as `GAN.generate(n, seed, condition=condition)` gives them;
        "seed"; and "condition" where the model has classes. Empty without samples.

    Raises:
        InputError: They cannot be read as arrays of numbers.
    """
    file = directory / "samples.npz"
    if not file.is_file():
        return {}
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception as error:  # damaged files make NumPy raise exceptions of many kinds
        fault = first_line(error)
        raise InputError(f"{file} cannot be read as arrays of numbers: {fault}") from error


def seal(directory: Path) -> None:
    """Writes `SHA256SUMS` for all files of a directory."""
    names = sorted(
        file.relative_to(directory).as_posix()
        for file in directory.rglob("*")
        if file.is_file() and file.name != _SUMS
    )
    lines = [f"{sha256(directory / name)}  {name}\n" for name in names]
    write_atomically(directory / _SUMS, "".join(lines))


PLACES = ("dataset", "classes", "data_dir", "cache_dir")  # where the data are; they may be moved
_PLACES = (*PLACES, "checkpoint_dir", "init")  # all entries of a configuration that are places
_PART = r"[^\s/;,:'\"]+"  # of a path in a text; one with other characters must be known


def without_folders(value: Any, config: Any = None) -> Any:
    """A JSON value without the folders of absolute paths, which are the writing machine's.

    Args:
        value: The value.
        config: The configuration of the run that it is about, which has the places and names of the
            data; by default they are looked for in the value.
    """
    places = set(_places(value if config is None else config))
    parents = {str(p) for place in places if place[0] in "/~" for p in PurePosixPath(place).parents}
    names = {name for place in places if (name := PurePosixPath(place).name)}
    rest = rf"(?:{_PART}/)*(?={_PART})"
    folders = [
        rf"(?:{_any_of(parents - {'/', '.'})})/{rest}",
        rf"~?/(?![/\s])[^\n]*?/(?=(?:{_any_of(names)})(?![\w-]))",
        rf"~?/{rest}",
    ]
    pattern = re.compile(rf"(?<![\w./~])(?:file://)?(?:{'|'.join(folders)})")

    def cleaned(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: cleaned(inner) for key, inner in part.items()}
        if isinstance(part, list):
            return [cleaned(inner) for inner in part]
        return pattern.sub("", part) if isinstance(part, str) else part

    return cleaned(value)


def _places(value: Any) -> Iterator[str]:
    """The places and names of the data in a configuration, at any depth."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in _PLACES and inner and isinstance(inner, str):
                yield inner
            yield from _places(inner)


def _any_of(texts: set[str]) -> str:
    """A pattern of these texts, the longest first; of nothing without texts."""
    return "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True)) or r"(?!)"
