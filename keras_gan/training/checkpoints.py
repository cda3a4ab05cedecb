"""All that decides a run's future, written so that a crash leaves the old or the new, never half.

A checkpoint is a folder named after the step: a TensorFlow bundle of the variables and, written
last, a manifest with the files' checksums and its own; without the manifest it is not a checkpoint.
It holds the networks, their optimizers, the EMA, counters, running means, and what Keras's ways of
saving leave out: the state of losses, metrics and the like, and of Keras's seed generators. The
place in the data follows from the step. Variables are stored whole, so that another strategy can
read them.

`snapshot` takes the values (they are copied when a variable is next updated), and a thread of
`Writer` writes them while training continues. The one just written always stays, and with it the
newest before it and the one with the best score; damaged ones do not count as any of these.

Directories may be local, where a checkpoint appears by a rename, or of any file system that
TensorFlow reads and writes ("gs://..."), where only the manifest makes a checkpoint.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import logging
import os
import re

import keras
import tensorflow as tf

from keras_gan.core.errors import InputError, first_line
from keras_gan.core.files import sync
from keras_gan.training.gan import GAN
from keras_gan.training.saved_variables import variables_of

_log = logging.getLogger("keras_gan")
_files = tf.io.gfile
# What TensorFlow says when the system refused to read or write a file.
FILE_FAULT = re.compile(
    r"(\S+); (No space left on device|Read-only file system|No such file or directory"
    r"|Input/output error|Stale file handle|Permission denied|Disk quota exceeded)"
)
_EARLIER = "an earlier version of keras_gan wrote it"


def state(gan: GAN) -> dict[str, keras.Variable]:
    """The variables of a compiled model, by names that its structure fixes."""
    metrics = variables_of(gan.user_metrics)
    groups = {
        "model": [v for v in gan.variables if not any(v is other for other in metrics)],
        "generator_optimizer": gan.generator_optimizer.variables,
        "discriminator_optimizer": gan.discriminator_optimizer.variables,
        "auxiliary_optimizers": [v for o in gan.auxiliary_optimizers for v in o.variables],
        "auxiliary_networks": gan.auxiliary_variables,
        "compile": gan.compile_variables,
        "metrics": [gan.running_means.totals, *metrics],
    }
    return {f"{group}/{i}": v for group, vs in groups.items() for i, v in enumerate(vs)}


def all_finite(gan: GAN) -> bool:
    """Whether every number of the state is finite, whatever metrics of the user's have measured."""
    measured = {id(v) for v in variables_of(gan.user_metrics)}
    values = [v.value for v in state(gan).values() if id(v) not in measured]
    floats = [v for v in values if v.dtype.is_floating]
    return all(bool(tf.reduce_all(tf.math.is_finite(v))) for v in floats)


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A model's state at one moment.

    Attributes:
        step: Steps made so far.
        values: The variables' values by name.
        facts: Further values to restore with them, as JSON can hold them.
        score: How good the model is, higher is better; None if it was not measured.
    """

    step: int
    values: dict[str, tf.Tensor]
    facts: dict
    score: float | None = None


def snapshot(gan: GAN, facts: dict | None = None, score: float | None = None) -> Snapshot:
    """The state of a compiled model now; later updates leave it alone."""
    values = {name: v.value.read_value() for name, v in state(gan).items()}
    return Snapshot(int(gan.current_step.numpy()), values, dict(facts or {}), score)


def make_directory(directory: str) -> None:
    """Makes a directory for checkpoints, unless it is there.

    Raises:
        InputError: It cannot be made.
    """
    try:
        _files.makedirs(directory)
    except tf.errors.OpError as error:
        raise InputError(
            f"the directory of checkpoints {directory} cannot be made: {first_line(error)}"
        ) from error


class Writer:
    """Writes checkpoints in a thread, one at a time.

    Args:
        directory: Where the checkpoints of a run lie.
        keep: How many stay of those that are complete, the latest, in addition to the one with the
            best score.
    """

    def __init__(self, directory: str | os.PathLike[str], keep: int = 2):
        self._directory = os.fspath(directory)
        self._keep = keep
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "checkpoints")
        self._last: concurrent.futures.Future | None = None

    def write(self, state: Snapshot) -> None:
        """Begins to write, once the one before is written.

        Raises:
            OSError: The one before could not be written.
        """
        self.wait()
        self._last = self._thread.submit(write, self._directory, state, self._keep)

    def wait(self) -> None:
        """Returns when all is written.

        Raises:
            OSError: It could not be written.
        """
        last, self._last = self._last, None
        if last is not None:
            last.result()


def write(directory: str | os.PathLike[str], state: Snapshot, keep: int = 2) -> str:
    """Writes a checkpoint, and removes those that are not to be kept.

    Args:
        directory: Where the checkpoints of a run lie.
        state: The state.
        keep: How many stay of those that are complete, this one and the latest before it, in
            addition to the one with the best score.

    Returns:
        The folder of the new checkpoint.

    Raises:
        OSError: It cannot be written; earlier ones are as they were.
    """
    directory = os.fspath(directory)
    final = os.path.join(directory, _name(state.step))
    # What a killed process left under this name goes with the next checkpoint.
    folder = final if _is_remote(directory) else os.path.join(directory, ".step-new.tmp")
    try:
        _remove(folder)
        _files.makedirs(folder)
        tf.raw_ops.SaveV2(
            prefix=os.path.join(folder, "state"),
            tensor_names=list(state.values),
            shape_and_slices=[""] * len(state.values),
            tensors=list(state.values.values()),
        )
        files = {name: _sha256(os.path.join(folder, name)) for name in _files.listdir(folder)}
        content = {
            "step": state.step,
            "score": state.score,
            "facts": state.facts,
            "shapes": {name: list(value.shape) for name, value in state.values.items()},
            "files": files,
        }
        manifest = json.loads(json.dumps(content))  # as it is read: keys become text
        with _files.GFile(os.path.join(folder, "manifest.json"), "w") as file:
            file.write(json.dumps({"manifest": manifest, "sha256": _digest(manifest)}, indent=1))
        if not _is_remote(directory):
            for name in [*files, "manifest.json", ""]:
                sync(os.path.join(folder, name))
            _remove(final)
            os.rename(folder, final)
            sync(directory)
    except tf.errors.OpError as error:
        fault = FILE_FAULT.search(error.message)
        reason = fault[2] if fault else error.message.splitlines()[0]
        raise OSError(None, reason, final) from error
    _prune(directory, final, keep)
    return final


def _prune(directory: str, newest: str, keep: int) -> None:
    """Removes what is older than the checkpoint just written, except what is to be kept.

    A checkpoint with a later step is damaged, or training would have continued from it; it is
    replaced or removed when training gets there.
    """
    folders = _folders(directory)
    older = folders[: folders.index(newest)]
    kept = {newest}
    for folder in reversed(older):
        if len(kept) < keep and _is_complete(folder):
            kept.add(folder)
    manifests = {folder: _manifest(folder) for folder in (*older, newest)}
    scores = {f: m["score"] for f, m in manifests.items() if m and m["score"] is not None}
    by_score = sorted(scores, key=lambda f: (scores[f], folders.index(f)), reverse=True)
    kept.update([f for f in by_score if f in kept or _is_complete(f)][:1])
    for folder in older:
        if folder not in kept:
            _remove(folder)


def newest(directory: str | os.PathLike[str]) -> str | None:
    """The newest checkpoint that is complete; warns where that is not the newest folder.

    Returns:
        Its folder, or None if there is no checkpoint.

    Raises:
        InputError: There are checkpoints, but none is complete.
    """
    folders = _folders(os.fspath(directory))
    for folder in reversed(folders):
        if _is_complete(folder):
            return folder
        fault = _EARLIER if _is_earlier(folder) else "it is damaged or incomplete"
        _log.warning("%s is not used: %s; trying the checkpoint before it", folder, fault)
    if any(map(_is_earlier, folders)):
        raise InputError(
            f"no checkpoint in {directory} can be used: {_EARLIER}; finish the run with that "
            "version, or choose another --run-dir"
        )
    if folders:
        raise InputError(
            f"no checkpoint in {directory} is complete; remove the folder to start anew"
        )
    return None


def read(folder: str) -> Snapshot:
    """The state in the folder of a complete checkpoint."""
    manifest = _manifest(folder)
    assert manifest is not None, folder
    reader = tf.compat.v1.train.NewCheckpointReader(os.path.join(folder, "state"))
    values = {name: tf.constant(reader.get_tensor(name)) for name in manifest["shapes"]}
    return Snapshot(manifest["step"], values, manifest["facts"], manifest["score"])


def restore_latest(directory: str | os.PathLike[str], gan: GAN) -> dict | None:
    """Restores the newest checkpoint that is complete; warns where that is not the newest folder.

    Returns:
        The `facts` that were saved with it, or None if there is no checkpoint.

    Raises:
        InputError: There are checkpoints, but none is complete, or they are of another model.
    """
    folder = newest(directory)
    if folder is None:
        return None
    saved, variables = read(folder), state(gan)
    kinds = {name: (value.dtype, list(value.shape)) for name, value in saved.values.items()}
    if kinds != {name: (v.value.dtype, list(v.shape)) for name, v in variables.items()}:
        raise InputError(
            f"checkpoint {folder} belongs to another model; finish the run with the version and "
            "the settings that began it, or choose another --run-dir"
        )
    for name, variable in variables.items():
        variable.assign(saved.values[name])
    return saved.facts


def _name(step: int) -> str:
    return f"step-{step:09d}"


def _folders(directory: str) -> list[str]:
    """Folders with a checkpoint's name, by step; other files and folders are left alone."""
    if not _files.isdir(directory):
        return []
    names = (name.rstrip("/") for name in _files.listdir(directory))
    known = [name for name in names if re.fullmatch(r"step-([0-9]{9}|[1-9][0-9]{9,})", name)]
    return [os.path.join(directory, name) for name in sorted(known, key=lambda n: int(n[5:]))]


def _content(folder: str) -> dict:
    """The content of the manifest's file, unchecked; empty if it cannot be read."""
    try:
        with _files.GFile(os.path.join(folder, "manifest.json")) as file:
            content = json.loads(file.read())
        return content if isinstance(content, dict) else {}
    except (OSError, tf.errors.OpError, ValueError, RecursionError):
        return {}


def _is_earlier(folder: str) -> bool:
    """Whether an earlier version wrote the checkpoint: its manifest has no checksum."""
    return {"files", "shapes", "facts"} <= _content(folder).keys()


def _manifest(folder: str) -> dict | None:
    """The manifest of a checkpoint, if it is as it was written, and for this step."""
    content = _content(folder)
    manifest = content.get("manifest")
    if not isinstance(manifest, dict) or content.get("sha256") != _digest(manifest):
        return None
    return manifest if _name(manifest["step"]) == os.path.basename(folder) else None


def _is_complete(folder: str) -> bool:
    """Whether every file of a checkpoint is as its manifest says."""
    manifest = _manifest(folder)
    if manifest is None:
        return False
    try:
        digests = {name: _sha256(os.path.join(folder, name)) for name in manifest["files"]}
    except (OSError, tf.errors.OpError):
        return False
    return digests == manifest["files"]


def _digest(manifest: dict) -> str:
    """A checksum of what a manifest says, whatever the spaces in its file."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with _files.GFile(path, "rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def _remove(folder: str) -> None:
    """Removes a folder that may not be there; its manifest first, so that no half stays valid."""
    if not _files.exists(folder):
        return
    if not _files.isdir(folder):
        _files.remove(folder)
        return
    manifest = os.path.join(folder, "manifest.json")
    if _files.exists(manifest):
        _files.remove(manifest)
    _files.rmtree(folder)


def _is_remote(path: str) -> bool:
    return "://" in path
