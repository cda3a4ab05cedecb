"""All that decides a run's future, written so that a crash leaves the old or the new, never half.

A checkpoint is a folder named after the step: TensorFlow's files and, written last, a manifest
with their checksums. It holds both players, both optimizers, averaged weights, counters and the
seed generators of Keras's own layers, which Keras's ways of saving leave out. Variables are stored
whole, so another strategy can read them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import tensorflow as tf

from keras_gan.errors import InputError
from keras_gan.model import GAN

_KEEP = 2


def state(gan: GAN) -> dict[str, list]:
    """The variables of a compiled model by group, in an order that its structure fixes."""
    metrics = {id(v) for metric in gan.metrics for v in metric.variables}
    groups = {
        "model": [v for v in gan.variables if id(v) not in metrics],
        "generator_optimizer": gan.generator_optimizer.variables,
        "discriminator_optimizer": gan.discriminator_optimizer.variables,
    }
    return {name: [v.value for v in variables] for name, variables in groups.items()}


def all_finite(gan: GAN) -> bool:
    """Whether every number of the state is finite."""
    floats = [v for group in state(gan).values() for v in group if v.dtype.is_floating]
    return all(bool(tf.reduce_all(tf.math.is_finite(v))) for v in floats)


def save(directory: Path, gan: GAN, facts: dict) -> Path:
    """Writes a checkpoint and removes all but the last few.

    Args:
        directory: Where the checkpoints of a run lie.
        gan: A compiled model.
        facts: What else is to come back with the state, as JSON can hold it.

    Returns:
        The folder of the new checkpoint.
    """
    directory.mkdir(parents=True, exist_ok=True)
    step = int(gan.step.numpy())
    final = directory / f"step-{step:09d}"
    temporary = directory / f".{final.name}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    tf.train.Checkpoint(**state(gan)).write(str(temporary / "state"))
    files = {path.name: _sha256(path) for path in sorted(temporary.iterdir())}
    manifest = {"step": step, "files": files, "facts": facts}
    (temporary / "manifest.json").write_text(json.dumps(manifest, indent=1))
    for path in [*temporary.iterdir(), temporary]:
        _sync(path)
    shutil.rmtree(final, ignore_errors=True)
    temporary.rename(final)
    _sync(directory)
    for old in _folders(directory)[:-_KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def restore_latest(directory: Path, gan: GAN) -> dict | None:
    """Restores the newest checkpoint whose files are whole.

    Returns:
        The `facts` that were saved with it, or None if there is no checkpoint.

    Raises:
        InputError: There are checkpoints, but none is whole, or they are of another model.
    """
    folders = _folders(directory)
    for folder in reversed(folders):
        manifest = _whole(folder)
        if manifest is None:
            continue
        try:
            status = tf.train.Checkpoint(**state(gan)).read(str(folder / "state"))
            status.assert_existing_objects_matched().assert_consumed()
        except (AssertionError, ValueError) as error:
            raise InputError(f"checkpoint {folder} belongs to another model") from error
        return manifest["facts"]
    if folders:
        raise InputError(f"no checkpoint in {directory} is whole; remove the folder to start anew")
    return None


def _folders(directory: Path) -> list[Path]:
    return sorted(directory.glob("step-*")) if directory.is_dir() else []


def _whole(folder: Path) -> dict | None:
    """The manifest of a checkpoint, if every file is as it says."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        files = manifest["files"]
        whole = all(_sha256(folder / name) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError):
        return None
    return manifest if whole else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
