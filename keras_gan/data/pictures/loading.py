"""From a folder or an archive of pictures to a data set whose pixels stay in a mapped file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np

from keras_gan.core.errors import InputError
from keras_gan.core.paths import cache_folder
from keras_gan.data.dataset import DataSet, Split
from keras_gan.data.pictures import duplicates, inspection
from keras_gan.data.pictures.cache import Cache
from keras_gan.data.pictures.decoding import Plan, Unusable, decode, reads_heic, strict
from keras_gan.data.pictures.labeling import Labeling, classes_file, label
from keras_gan.data.pictures.options import PictureOptions
from keras_gan.data.pictures.parallel import each
from keras_gan.data.pictures.sources import HEIC_SUFFIXES, Opener, Source, find, name_of, shown

_FORMAT = 4  # of the cache: another number makes all of them anew
_NAMED = 10  # faults that a message names


def load_pictures(
    path: Path, options: PictureOptions, cache_dir: str | os.PathLike[str] | None = None
) -> DataSet:
    """The pictures of a folder, a .zip or a .tar file, decoded once.

    Args:
        path: The folder or archive.
        options: Size, channels and classes of the pictures.
        cache_dir: Folder of decoded pictures (KERAS_GAN_CACHE, else `~/.cache/keras_gan`).

    Returns:
        uint8 images; each `Split.x` is a part of one mapped file.

    Raises:
        InputError: There are no pictures, or some cannot be used and are not to be skipped.
    """
    return load_source(find(path), name_of(path), str(path), options, cache_dir)


def load_source(
    source: Source,
    name: str,
    place: str,
    options: PictureOptions,
    cache_dir: str | os.PathLike[str] | None = None,
) -> DataSet:
    """The same for pictures from anywhere.

    Args:
        source: The pictures.
        name: Name of the data set.
        place: Where they are, for messages; a folder, an archive, or words.
        options: As for `load_pictures`.
        cache_dir: As for `load_pictures`.
    """
    folder = os.fsdecode(os.fsencode(name.replace("/", "-"))[:100])  # names are limited in bytes
    cache = Cache(cache_folder(cache_dir) / f"{folder}-{_key(place, source, options)}")
    made = cache.open_or_make(lambda unfinished: _make(unfinished, place, source, options))
    x, y, facts = cache.read()
    flip, mirrored = flipping(options, facts["writing"])
    train, validation, test = _splits(x, y, facts["splits"])
    found, *others = facts["description"]
    where = f"{'decoded into' if made else 'read from'} {cache.folder}"
    data_set = DataSet(
        name,
        train,
        validation,
        test,
        None if facts["label_names"] is None else tuple(facts["label_names"]),
        f"{place}; {facts['provenance']}",
        (f"{shown(place)}: {found}", *others, mirrored, shown(where)),
        flip,
    )
    # Fills the cached property: to compute it would read the whole file at every start.
    vars(data_set)["fingerprint"] = facts["fingerprint"]
    return data_set


def flipping(options: PictureOptions, writing: bool) -> tuple[bool, str]:
    """Whether mirror images are examples as well, and a sentence that says so."""
    if options.flip == "auto" and writing:
        return False, (
            "mirror images are not used, because the pictures look like writing (gray, and two "
            "thirds of the pixels nearly black or white); --flip on uses them"
        )
    if options.flip == "off":
        return False, "mirror images are not used"
    return True, "pictures are flipped left to right at random" + (
        " (--flip off: never)" if options.flip == "auto" else ""
    )


def _key(place: str, source: Source, options: PictureOptions) -> str:
    """16 hexadecimal digits for the files, by names, sizes and times of change, and the options."""
    chosen = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(PictureOptions)
        if field.name != "flip"  # decided when the pictures are read
    }
    file = classes_file(options.classes, Path(place))  # the state of an archive covers those in it
    parts = [
        _FORMAT,
        str(Path(place).resolve()) if Path(place).exists() else place,
        chosen,
        "" if file is None else file.read_text(errors="replace"),
        source.faults,
        source.names,
        source.states,
        any(name.lower().endswith(HEIC_SUFFIXES) for name in source.names) and reads_heic(),
    ]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


def _make(cache: Cache, place: str, source: Source, options: PictureOptions) -> None:
    began = time.monotonic()
    headers, faults = inspection.headers(source)
    faults = {**source.faults, **faults}
    while True:
        _check(place, faults, headers, options)
        labeling = label(list(headers), options.classes, Path(place), source)
        plan = inspection.plan(headers.values(), options)
        x, late = _decoded(cache, source, list(headers), labeling, plan)
        if not late:
            break
        # Once more, so that everything is as it would be without these files.
        faults.update(late)
        headers = {name: header for name, header in headers.items() if name not in late}
    order = np.concatenate(list(labeling.rows.values()))
    labels = None if labeling.labels is None else labeling.labels[order]
    equal, near = duplicates.count(x)
    splits = {split: len(rows) for split, rows in labeling.rows.items()}
    description = [
        *inspection.describe(headers.values(), plan),
        *labeling.describe(),
        *duplicates.darkness(x[..., : plan.colors]),
        f"exact copies of others: {equal:,}; nearly equal to others: {near:,} more",
        *_left_out(source.others),
        *(f"left out: {shown(name)}: {fault}" for name, fault in sorted(faults.items())),
        f"looked at and decoded in {time.monotonic() - began:.0f} s",
    ]
    train, validation, test = _splits(x, labels, splits)
    x.flush()
    cache.write(
        labels,
        {
            "splits": splits,
            "label_names": labeling.label_names,
            "writing": duplicates.look_like_writing(x),
            "provenance": f"{plan.fit.describe()}, where the size differs; {labeling.rule}",
            "description": description,
            "fingerprint": DataSet(place, train, validation, test).fingerprint,
        },
    )


def _splits(x: np.ndarray, y: np.ndarray | None, sizes: dict[str, int]) -> list[Split]:
    """Train, validation and test split, of these sizes, from pictures that lie in their order."""
    ends = np.cumsum(list(sizes.values()))[:-1]
    labels = [None] * len(sizes) if y is None else np.split(y, ends)
    return [Split(rows, of) for rows, of in zip(np.split(x, ends), labels, strict=True)]


def _decoded(
    cache: Cache, source: Source, names: list[str], labeling: Labeling, plan: Plan
) -> tuple[np.memmap, dict[str, str]]:
    """All pictures, in the order of the splits, uint8 `[n, h, w, c]`; and what was damaged."""
    order = np.concatenate(list(labeling.rows.values()))
    rows = dict(zip((names[i] for i in order), range(len(order)), strict=True))
    x = cache.allocate((len(names), *plan.shape))
    faults = dict[str, str]()

    def read(item: tuple[str, Opener]) -> None:
        name, opener = item
        try:
            x[rows[name]] = decode(opener, plan, name)
        except Unusable as error:
            faults[name] = str(error)

    pairs = zip(source.names, source.openers(), strict=True)
    wanted = (pair for pair in pairs if pair[0] in rows)
    with strict():
        for _ in each(read, wanted, len(names), "Decoding the pictures"):
            pass
    return x, faults


def _check(place: str, faults: dict, headers: dict, options: PictureOptions) -> None:
    """Refuses files that cannot be used, unless they are to be skipped, and having no others."""
    if not faults or (options.skip_broken and headers):
        return
    total = len(faults) + len(headers)
    named = [f"{shown(name)}: {fault}" for name, fault in sorted(faults.items())]
    more = [f"and {len(named) - _NAMED:,} more"] if len(named) > _NAMED else []
    hint = "repair or remove them, or leave them out with --skip-broken" if headers else "repair it"
    raise InputError(
        f"{len(faults):,} of {total:,} files in {place} cannot be used ({hint}): "
        + "; ".join(named[:_NAMED] + more)
    )


def _left_out(others: list[str]) -> list[str]:
    """A sentence on files of other kinds."""
    if not others:
        return []
    return [f"files of other kinds: {len(others):,}, such as {shown(others[0])}"]
