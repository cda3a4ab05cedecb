"""A run as one file from which training continues, small enough to store with a project.

The file is a ZIP archive of config.json, metrics.csv, the newest complete checkpoint, the best
models and a manifest with the SHA-256 of each. A checkpoint's numbers are stored with their first
bytes together, then their second ones and so on, because bytes with the same meaning compress
better.

A small file has the same state in fewer bits, and no best models: weights, their average and what
else the networks hold with 11 significant bits, as float16 has (without its limits), and the arrays
of the optimizers with 4. Counters and single numbers, such as learning rates, are kept as they are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import tensorflow as tf

from keras_gan import presets
from keras_gan.core.errors import InputError, first_line
from keras_gan.core.files import new_folder, sync, written_as
from keras_gan.core.versions import versions
from keras_gan.experiment import metrics_table
from keras_gan.experiment.run import BEST, Run
from keras_gan.training import checkpoints, run_config

FORMAT = 1
# Significant bits of the arrays in a small file, by what they belong to.
BITS = {
    "model": 11,
    "generator_optimizer": 4,
    "discriminator_optimizer": 4,
    "auxiliary_optimizers": 4,
}
_PLACES = ("data_dir", "cache_dir", "checkpoint_dir")  # which mean nothing on another machine
_MANIFEST = "manifest.json"
_NUMBERS = r"state\.data-\d{5}-of-\d{5}"
_KNOWN = re.compile(
    rf"config\.json|metrics\.csv|models/({'|'.join(BEST)})\.keras"
    rf"|checkpoints/step-\d{{9,20}}/(manifest\.json|state\.index|{_NUMBERS})"
)
# What reading a damaged file, or one that was made to do harm, may raise.
_FAULTS = (
    *(zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, TypeError, RuntimeError),
    tf.errors.OpError,
)
_BLOCK = 1 << 22  # bytes
_LARGEST_MANIFEST = 1 << 20  # bytes
_LARGEST_RATIO = 100  # of what is unpacked to the file: floats shrink to a third, zeros do more


def pack(run: Run, output: str | os.PathLike[str], small: bool = False) -> int:
    """Writes a run to one file from which `unpack` makes a directory that training continues.

    Args:
        run: The run, which no process may be training.
        output: The new file.
        small: Whether to store fewer bits of each number, and no best models.

    Returns:
        The step of the checkpoint.

    Raises:
        InputError: The file exists, the run is being trained, or it has no complete checkpoint.
    """
    output = Path(output)
    if os.path.lexists(output):
        raise InputError(f"{output} exists; remove it or choose another file")
    _newest(run)  # nothing is written to a preset, not even a lock
    with run.owned(), tempfile.TemporaryDirectory(dir=output.parent, prefix=".pack-") as name:
        folder, archive = Path(name, "run"), Path(name, "archive")
        with written_as(output, name):
            step = _collect(run, folder, small)
            _archive(folder, archive, {"step": step, "small": small})
            sync(archive)
            archive.rename(output)
    return step


def _newest(run: Run) -> str:
    newest = checkpoints.newest(run.checkpoints)
    if newest is None:
        raise InputError(f"{run.path} has no checkpoint, from which training could continue")
    return newest


def _collect(run: Run, folder: Path, small: bool) -> int:
    """Writes to a folder what the file is to hold; returns the step of the checkpoint."""
    state = checkpoints.read(_newest(run))
    config = {**run.config, **dict.fromkeys(_PLACES)}
    if small:
        state = _rounded(state)
        config.pop("best_epochs", None)
        config["rounded_at_steps"] = [*config.get("rounded_at_steps", []), state.step]
    checkpoints.write(folder / "checkpoints", state)  # which makes the folders
    run_config.write(folder, config)
    if run.metrics_file.is_file():
        run.metrics()  # a damaged table would be noticed only when the file is unpacked
        shutil.copyfile(run.metrics_file, folder / "metrics.csv")
    best = [] if small else [file for file in map(run.model_file, BEST) if file.is_file()]
    for file in best:
        (folder / "models").mkdir(exist_ok=True)
        shutil.copyfile(file, folder / "models" / file.name)
    return state.step


def _rounded(state: checkpoints.Snapshot) -> checkpoints.Snapshot:
    """A state as a small file holds it; it does not know of best models, which are left out."""
    values = {}
    for name, value in state.values.items():
        bits = BITS.get(name.partition("/")[0])
        if bits and value.shape.rank and value.dtype == tf.float32:
            value = tf.constant(significant(value.numpy(), bits))
        values[name] = value
    facts = {name: fact for name, fact in state.facts.items() if name not in BEST}
    return dataclasses.replace(state, values=values, facts=facts)


def significant(values: np.ndarray, bits: int) -> np.ndarray:
    """Numbers rounded to so many significant bits: each changes by at most `2**-bits` of itself."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 2**bits) / 2**bits, exponent)


def _archive(folder: Path, file: Path, facts: dict) -> None:
    digests = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name, digest = path.relative_to(folder).as_posix(), hashlib.sha256()
            with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as target:
                while block := source.read(_BLOCK):
                    digest.update(block)
                    target.write(_sorted_bytes(block) if _holds_numbers(name) else block)
            digests[name] = digest.hexdigest()
        manifest = {"format": FORMAT, **facts, "versions": versions(), "sha256": digests}
        archive.writestr(_MANIFEST, json.dumps(manifest, indent=1))


def unpack(file: str | os.PathLike[str], run_dir: str | os.PathLike[str]) -> Run:
    """Makes a run directory from a file of `pack`; the same train command continues it.

    All is checked before the directory appears under its name.

    Args:
        file: The file, which may come from somebody else.
        run_dir: The new directory.

    Raises:
        InputError: The directory exists, or the file is damaged, of another format, or no file of
            `pack`.
    """
    file = Path(file)
    if not file.is_file():
        raise InputError(f"{file} is not a file; `keras-gan pack RUN --output {file}` makes one")
    with new_folder(run_dir) as folder, _faults(file, folder):
        with zipfile.ZipFile(file) as archive:
            for name, digest in _checked_names(archive, file).items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as source, (folder / name).open("xb") as target:
                    if _extract(name, source, target) != digest:
                        raise InputError(f"{name} is not as it was packed")
        _check(folder)
    return Run.open(presets.directory(run_dir))


@contextlib.contextmanager
def _faults(file: Path, folder: Path) -> Iterator[None]:
    """Turns errors in a file from elsewhere into one line that names the file."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{file}: {str(error).replace(f'{folder}{os.sep}', '')}") from error
    except _FAULTS as error:
        raise InputError(f"{file} is damaged, or no packed run: {first_line(error)}") from error


def _checked_names(archive: zipfile.ZipFile, file: Path) -> dict[str, str]:
    """The names in an archive, all of which are known and can be unpacked, with their SHA-256."""
    parts = archive.infolist()
    manifest = archive.getinfo(_MANIFEST)
    if manifest.file_size > _LARGEST_MANIFEST:
        raise InputError(f"{_MANIFEST} is too large")
    content = json.loads(archive.read(manifest))
    if content["format"] != FORMAT:
        raise InputError(
            f"it has format {content['format']!r}; this version of keras_gan reads {FORMAT}, "
            "install a newer one"
        )
    digests = dict(content["sha256"])
    names = [part.filename for part in parts if part is not manifest]
    for part in parts:
        if not (_KNOWN.fullmatch(part.filename) or part is manifest):
            raise InputError(f"it holds {part.filename!r}, which no packed run has")
        if part.compress_type not in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
            raise InputError(f"{part.filename} is compressed in a way that `pack` does not use")
        if stat.S_ISLNK(part.external_attr >> 16):
            raise InputError(f"{part.filename} is a link")
    if sorted(names) != sorted(digests):
        raise InputError("it holds other files than its manifest says")
    size = sum(part.file_size for part in parts)  # no more is read, whatever there is
    if size > _LARGEST_RATIO * file.stat().st_size:
        raise InputError(f"it would take {size} bytes, more than a packed run of its size can")
    return digests


def _extract(name: str, source: IO[bytes], target: IO[bytes]) -> str:
    """Writes a file as it was before it was packed; returns its SHA-256."""
    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        block = _original_bytes(block) if _holds_numbers(name) else block
        digest.update(block)
        target.write(block)
    return digest.hexdigest()


def _check(folder: Path) -> None:
    """Refuses a directory that training cannot continue."""
    config = run_config.read(folder)
    places = [key for key in _PLACES if config.get(key)]
    if places:
        raise InputError(f"its config.json names a place on another machine: {places[0]}")
    if (folder / "metrics.csv").is_file():
        metrics_table.read(folder / "metrics.csv")
    newest = checkpoints.newest(folder / "checkpoints")
    if newest is None:
        raise InputError("it holds no checkpoint")
    checkpoints.read(newest)


def _holds_numbers(name: str) -> bool:
    return re.fullmatch(_NUMBERS, name.rpartition("/")[2]) is not None


def _sorted_bytes(block: bytes) -> bytes:
    """The first bytes of all float32 numbers, then the second ones, and so on."""
    whole = len(block) // 4 * 4
    return np.frombuffer(block[:whole], np.uint8).reshape(-1, 4).T.tobytes() + block[whole:]


def _original_bytes(block: bytes) -> bytes:
    """The inverse of `_sorted_bytes`."""
    whole = len(block) // 4 * 4
    return np.frombuffer(block[:whole], np.uint8).reshape(4, -1).T.tobytes() + block[whole:]
