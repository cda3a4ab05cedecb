"""The split and the class of each picture, by its folders or by a file."""

from __future__ import annotations

import collections
import csv
import dataclasses
import io
import json
import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from keras_gan.core.errors import InputError, first_line
from keras_gan.data.dataset import SPLITS, held_out_rows, held_out_rule
from keras_gan.data.pictures.sources import Source, is_archive, shown

WORDS = ("none", "labels", "folders", "auto")  # what the option may be besides a file
ONE_CLASS = "one class only, so G and D learn none"
_STYLEGAN_FILE = "dataset.json"
_SPLIT_FOLDERS = {name: name for name in SPLITS} | {"valid": "validation", "val": "validation"}


@dataclasses.dataclass(frozen=True)
class Labeling:
    """Which pictures each split has, and their classes.

    Attributes:
        rows: For each split the numbers of its pictures, int `[n]`, in random order.
        rule: How the splits were made, in words.
        labels: Class of each picture, int64 `[n]`, or None.
        label_names: Names of the classes, or None.
        where: The source of the classes, in words.
        hint: How to learn classes that were not asked for, or nothing.
    """

    rows: dict[str, np.ndarray]
    rule: str
    labels: np.ndarray | None = None
    label_names: tuple[str, ...] | None = None
    where: str = ""
    hint: str = ""

    def describe(self) -> list[str]:
        """Splits and classes, in sentences."""
        sizes = [f"{len(self.rows[split]):,} {use}" for split, use in _USES.items()]
        lines = [f"{', '.join(sizes)} ({self.rule})"]
        if self.label_names is not None and self.labels is not None:
            counts = collections.Counter(self.labels.tolist())
            named = [f"{shown(n)} ({counts[i]:,})" for i, n in enumerate(self.label_names)]
            more = [f"and {len(named) - 10} more"] if len(named) > 10 else []
            found = f"{len(named)} classes by {self.where}, numbered from 0"
            found = found if len(named) > 1 else ONE_CLASS
            lines.append(f"{found}: {', '.join(named[:10] + more)}")
            lines += without_pictures(self.label_names, self.labels[self.rows["train"]])
        if self.hint:
            lines.append(self.hint)
        return lines


def without_pictures(names: Sequence[str], learned: np.ndarray) -> list[str]:
    """A sentence on the classes that are not among the labels to train on, if there are any."""
    lacking = sorted({*range(len(names))} - {*learned.tolist()})
    if len(names) < 2 or not lacking:
        return []
    named = ", ".join(shown(names[i]) for i in lacking[:10])
    return [f"classes without pictures to train on: {len(lacking):,}, {named}"]


_USES = {"train": "to train on", "validation": "for validation", "test": "to test on"}


def label(names: Sequence[str], classes: str, folder: Path, source: Source) -> Labeling:
    """Splits and classes of pictures.

    If the folders at the top are called `train`, `validation` and `test` (`train` at least), in any
    case, they are splits; missing ones are held out from `train`. Below them, folders or a file
    give the classes.

    Args:
        names: Paths of the pictures within the data set, with "/".
        classes: The option of that name.
        folder: Folder or archive in which that file is looked for as well.
        source: Where they are from; labels of its own are the classes, unless there are to be none.

    Raises:
        InputError: Classes were asked for, but a picture has none; or there are too few pictures.
    """
    places = [name.split("/") for name in names]
    named = [_SPLIT_FOLDERS.get(_top(place).lower(), "") for place in places]
    given, splits = ["train"] * len(places), {*named} - {""}
    if "train" in splits and all(named):
        given, places = named, [place[1:] for place in places]
    elif "train" in splits and len(splits) > 1:
        raise InputError(
            f"the folders {' and '.join(sorted(splits))} are splits, but "
            f"{shown(names[named.index('')])} lies next to them: move it into one of them, or away"
        )
    groups = {split: np.flatnonzero(np.array(given) == split) for split in SPLITS}
    missing = [split for split in SPLITS[1:] if not len(groups[split])]
    held_out = held_out_rows(len(groups["train"]), missing)
    rows = {split: groups["train"][chosen] for split, chosen in held_out.items()}
    for split in {*SPLITS} - rows.keys():
        rows[split] = groups[split][held_out_rows(len(groups[split]), ())["train"]]
    rows, rule = {split: rows[split] for split in SPLITS}, held_out_rule(missing)
    if source.labels is not None and classes != "none":
        if classes not in ("labels", "auto"):
            raise InputError(
                "--classes must be none, labels or auto for a data set with labels of its own. "
                f"Received: {classes}"
            )
        labels = np.array([source.labels[name] for name in names], np.int64)
        return Labeling(rows, rule, labels, source.label_names, "label")
    of_stylegan = any(name.rpartition("/")[2] == _STYLEGAN_FILE for name in source.others)
    table = _table(classes, folder, source)
    if of_stylegan and (classes == "folders" or (classes == "auto" and table is None)):
        raise InputError(
            f"the classes of these pictures are in {_STYLEGAN_FILE}, not in the names of folders: "
            f"write --classes {_STYLEGAN_FILE}, or none"
        )
    found, where = _classes(names, places, classes, table, source.top)
    if found is None:
        hint = _hint(places, of_stylegan) if classes == "labels" else ""
        return Labeling(rows, rule, hint=hint)
    label_names = tuple(sorted(set(found), key=_in_order))
    number = {name: i for i, name in enumerate(label_names)}
    labels = np.array([number[name] for name in found], np.int64)
    return Labeling(rows, rule, labels, label_names, where)


def _hint(places: Sequence[Sequence[str]], of_stylegan: bool) -> str:
    """How to learn the classes that there seem to be."""
    folders = {*map(_top, places)}
    if of_stylegan:
        return (
            f"no classes are used; to learn those of {_STYLEGAN_FILE}, add --classes "
            f"{_STYLEGAN_FILE}"
        )
    if len(folders) < 2 or "" in folders or len(places) < 10 * len(folders):
        return ""
    return (
        f"no classes are used; to learn the {len(folders)} folders as classes, add "
        "--classes folders"
    )


def _in_order(name: str) -> tuple[bool, int, str, str]:
    """Numbers by their values, with any number of digits, then other names."""
    number = name.isascii() and name.isdecimal()
    digits = name.lstrip("0") if number else ""
    return not number, len(digits), digits, name


def _top(place: Sequence[str]) -> str:
    """The folder at the top; "" for a picture that lies in none."""
    return place[0] if len(place) > 1 else ""


def classes_file(classes: str, folder: Path) -> Path | None:
    """The file that the option names, as given or in the folder.

    For `auto` it is StyleGAN's file, if the folder has one. None for another choice, and for a file
    that may be within an archive, which `_table` finds.
    """
    if classes in WORDS:
        file = folder / _STYLEGAN_FILE
        return file if classes == "auto" and file.is_file() else None
    for file in (Path(os.path.expanduser(classes)), folder / classes):
        if file.is_file():
            return file
    if is_archive(folder):
        return None
    raise _no_file(classes)


def _no_file(classes: str) -> InputError:
    return InputError(
        f"--classes must be {', '.join(WORDS)}, a CSV file or StyleGAN's dataset.json; there is no "
        f"file {classes}"
    )


def _table(classes: str, place: Path, source: Source) -> tuple[Path, bytes] | None:
    """The file that the option names, and its content; None for another choice.

    Args:
        classes: The option.
        place: The folder or archive of the pictures.
        source: The pictures.

    Raises:
        InputError: There is no such file, or it cannot be read.
    """
    if classes in WORDS and classes != "auto":
        return None
    name = _STYLEGAN_FILE if classes == "auto" else classes
    file = classes_file(classes, place)
    try:
        if file is not None:
            return file, file.read_bytes()
        for inside in (name, source.top + name):
            if source.read is not None and inside in source.others:
                file = place / inside
                return file, source.read(inside)
    except Exception as error:  # damaged archives raise exceptions of many kinds
        raise InputError(f"{file} cannot be read: {first_line(error)}") from error
    if classes == "auto":
        return None
    raise _no_file(classes)


def _classes(
    names: Sequence[str],
    places: Sequence[Sequence[str]],
    classes: str,
    table: tuple[Path, bytes] | None,
    top: str,
) -> tuple[list[str] | None, str]:
    """The class of each picture by name, and what says so."""
    if table is not None:
        file, content = table
        known = _read(file, content, unlabeled=classes == "auto")
        if not known and classes == "auto":  # StyleGAN's file of pictures without classes
            return None, ""
        return _from_table(known, file, names, top), file.name
    without = [name for name, place in zip(names, places, strict=True) if len(place) < 2]
    if classes == "folders" and without:
        raise InputError(
            "--classes folders needs every picture in a folder that is named after its class, but "
            f"{shown(without[0])} lies in none"
        )
    if classes in ("none", "labels") or without:
        return None, ""
    return [place[0] for place in places], "folder"


def _read(file: Path, content: bytes, unlabeled: bool) -> dict[str, str]:
    """The classes by file name; none at all only if pictures may be without."""
    if file.suffix.lower() == ".json":
        return _stylegan_table(file, content, unlabeled)
    try:
        lines = io.StringIO(content.decode("utf-8-sig"), newline="")
        rows = [row for row in csv.reader(lines) if len(row) > 1]
    except UnicodeDecodeError as error:
        raise InputError(f"{file} cannot be read as CSV: save it in UTF-8") from error
    except (ValueError, csv.Error) as error:
        raise InputError(f"{file} cannot be read as CSV: {error}") from error
    # A line of titles does no harm.
    return _unambiguous(((first.strip(), second.strip()) for first, second, *_ in rows), file)


def _stylegan_table(file: Path, content: bytes, unlabeled: bool) -> dict[str, str]:
    """The classes in the form of StyleGAN's: {"labels": [[file name, class number], ...]}.

    Instead of the list there may be null, if pictures may be without classes.
    """
    try:
        rows = json.loads(content)["labels"]
        if rows is None and unlabeled:
            return {}
        pairs = [(str(name), _whole(number)) for name, number in rows]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(
            f'{file} must hold {{"labels": [[file name, class number], ...]}}, with whole numbers'
            + ("; if it is another file, write --classes labels, folders or none" * unlabeled)
        ) from error
    return _unambiguous(pairs, file)


def _whole(number: float | str) -> str:
    """A whole number in digits; `ValueError` for another."""
    if isinstance(number, float) and not number.is_integer():
        raise ValueError(number)
    return str(int(number))


def _unambiguous(pairs: Iterable[tuple[str, str]], file: Path) -> dict[str, str]:
    """The classes by file name, of which each must have one."""
    table = dict[str, str]()
    for first, given in pairs:
        name = _composed(first)
        if table.setdefault(name, given) != given:
            raise InputError(f"{file} has two classes for {shown(name)}: {table[name]} and {given}")
    return table


def _composed(name: str) -> str:
    """Letters with their accents as one character: macOS stores them as two."""
    return unicodedata.normalize("NFC", name)


def _from_table(table: dict[str, str], file: Path, names: Sequence[str], top: str) -> list[str]:
    """The class of each picture, by its path, which may begin with `top`, or its last part."""
    paths = [_composed(name) for name in names]
    last = [path.rpartition("/")[2] for path in paths]
    exact = [table.get(path) or table.get(_composed(top) + path) for path in paths]
    found = [given or table.get(name) for given, name in zip(exact, last, strict=True)]
    without = [name for name, given in zip(names, found, strict=True) if not given]
    if without:
        form = "; its rows must begin with a file name and a class, with a comma between them"
        raise InputError(
            f"{file} has no class for {len(without):,} of {len(names):,} pictures, such as "
            f"{shown(without[0])}{'' if file.suffix.lower() == '.json' else form}"
        )
    times = collections.Counter(last)
    for path, name, given in zip(paths, last, exact, strict=True):
        if not given and times[name] > 1:
            raise InputError(
                f"{file} names {shown(name)} without its folder, but {times[name]} pictures have "
                f"that name; write its path within the data set, such as {shown(path)}"
            )
    return [str(given) for given in found]
