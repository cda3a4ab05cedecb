"""Describes an export from its files alone: a card for people, all of it for programs."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from export import saved_model, versions
from export.writing import METADATA_FILE
from keras_gan import InputError


def describe(path: Path) -> dict[str, Any]:
    """All that the files of an export say, as JSON can hold it.

    Args:
        path: A version's directory, a model's directory (its latest version) or an `.onnx` file.

    Returns:
        "name"; "metadata", those of the export; "models", each with "file", "kind" and
        "signatures"; and "files", each with "name", "bytes" and "sha256".

    Raises:
        InputError: It is not an export, or cannot be read.
    """
    if path.is_file() and path.suffix == ".onnx":
        model, metadata = _onnx(path)
        files = _files(path.parent, path.parent.glob(f"{glob.escape(path.name)}*"))
        return {"name": path.name, "metadata": metadata, "models": [model], "files": files}
    if path.is_dir() and not (path / METADATA_FILE).is_file():
        path = versions.latest(path) or path
    metadata = metadata_of(path)
    models = [_saved_model(path)] if (path / saved_model.FILE).is_file() else []
    models += [
        _onnx(file)[0] | {"file": str(file.relative_to(path))}
        for file in sorted(path.rglob("*.onnx"))
    ]
    name = f"{path.resolve().parent.name}, version {path.resolve().name}"
    return {
        "name": name,
        "metadata": metadata,
        "models": models,
        "files": _files(path, path.rglob("*")),
    }


def metadata_of(version: Path) -> dict[str, Any]:
    """The metadata in a version's directory; InputError if they cannot be read."""
    if os.path.lexists(version / METADATA_FILE):
        _check_plain(version)
    try:
        return dict(json.loads((version / METADATA_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        raise InputError(
            f"{version} is not an export: it has no readable {METADATA_FILE}; "
            "give a version's directory, a model's directory or an .onnx file"
        ) from None


def card(described: dict[str, Any]) -> Iterator[str]:
    """The lines of a short description: what the model is, key numbers, signatures, size."""
    for line in _lines(described):  # without characters that a terminal takes for commands
        yield "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _lines(described: dict[str, Any]) -> Iterator[str]:
    metadata = described["metadata"]
    yield described["name"]
    for name, text in _facts(metadata):
        yield f"  {name:<10} {text}"
    numbers = metadata.get("numbers")
    rows = [row for row in numbers if isinstance(row, dict)] if isinstance(numbers, list) else []
    if rows:
        yield "numbers (in brackets: training examples in place of samples)"
    for row in rows:
        floor = f"  ({row['floor_text']})" if row.get("floor_text") else ""
        yield f"  {row.get('name')!s:<42} {row.get('text')}{floor}"
    for model in described["models"]:
        yield f"{model['file']}: {model['kind']}"
        for name, signature in model["signatures"].items():
            sides = (_tensors(signature[side]) for side in ("inputs", "outputs"))
            yield f"  {name}: {' -> '.join(sides)}"
    sizes = [file["bytes"] for file in described["files"]]
    yield f"{len(sizes)} files, {sum(sizes) / 1e6:,.1f} MB (--json adds metadata and SHA-256)"


def _facts(metadata: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The most important facts; metadata of others may hold anything."""

    def read(*keys: str) -> Any:
        value: Any = metadata
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    if recipe := read("recipe"):
        truncation = "" if read("truncation") in (None, 1) else f", truncation {read('truncation')}"
        yield "recipe", f"{recipe}, weights: {read('weights')}{truncation}"
    if data := read("training", "data"):
        epochs = read("training", "epochs")
        yield "data", f"{data}, {epochs} epochs, fingerprint {read('training', 'fingerprint')}"
    if shape := read("images", "shape"):
        bounds = read("images", "range")
        yield "examples", f"{shape}" + (f", values in {bounds}" if bounds else "")
    if prior := read("prior", "name"):
        yield "latents", f"{read('prior', 'dimension')}, prior {prior}"
    if condition := read("condition", "name"):
        count = read("condition", "count")
        yield "condition", f"{condition}" + (f", {count}" if count else "")


def _tensors(tensors: Iterable[dict[str, Any]]) -> str:
    return ", ".join(f"{t['name']} {t['dtype']} [{', '.join(t['shape'])}]" for t in tensors)


def _check_plain(path: Path) -> None:
    """Raises InputError for a link, which could lead anywhere, or a pipe, which may never end."""
    for file in path.rglob("*"):
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            raise InputError(
                f"{file} is neither a regular file nor a directory, as all of an export are; put a "
                "copy in its place"
            )


@contextlib.contextmanager
def _reading(path: Path, kind: str) -> Iterator[None]:
    """Raises InputError for all that a damaged file, or one of another version, may lead to."""
    try:
        yield
    except (DecodeError, LookupError, StopIteration, TypeError, ValueError):
        raise InputError(f"{path} cannot be read as {kind}") from None


def _saved_model(path: Path) -> dict[str, Any]:
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    def tensors(infos: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": alias,
                "dtype": tf.dtypes.as_dtype(info.dtype).name,
                "shape": ["n" if d.size < 0 else str(d.size) for d in info.tensor_shape.dim],
                "operation": info.name,
            }
            for alias, info in sorted(infos.items())
        ]

    content = saved_model_pb2.SavedModel()
    with _reading(path / saved_model.FILE, "a SavedModel"):
        content.ParseFromString((path / saved_model.FILE).read_bytes())
        signatures = {
            name: {"inputs": tensors(one.inputs), "outputs": tensors(one.outputs)}
            for name, one in sorted(content.meta_graphs[0].signature_def.items())
            if not name.startswith("__")
        }
    return {"file": saved_model.FILE, "kind": "SavedModel", "signatures": signatures}


def _onnx(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """An ONNX model's entry, and the metadata in it."""
    import onnx

    def tensors(values: Any) -> list[dict[str, Any]]:
        kinds = [value.type.tensor_type for value in values]
        return [
            {
                "name": value.name,
                "dtype": onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name,
                "shape": [d.dim_param or str(d.dim_value) for d in kind.shape.dim],
            }
            for value, kind in zip(values, kinds, strict=True)
        ]

    with _reading(path, "an ONNX model"):
        model = onnx.load(path, load_external_data=False)
        opset = next(entry.version for entry in model.opset_import if entry.domain == "")
        sides = {"inputs": tensors(model.graph.input), "outputs": tensors(model.graph.output)}
        metadata = {prop.key: _read(prop.value) for prop in model.metadata_props}
    if model.producer_name != "keras_gan":
        raise InputError(f"{path} is not an export of keras_gan")
    entry = {
        "file": path.name,
        "kind": f"ONNX, opset {opset}",
        "signatures": {"serving_default": sides},
    }
    return entry, metadata


def _read(text: str) -> Any:
    """A value that was written as JSON, or a text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _files(root: Path, paths: Iterable[Path]) -> list[dict[str, Any]]:
    found = []
    for path in sorted(path for path in paths if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        name, size = str(path.relative_to(root)), path.stat().st_size
        found.append({"name": name, "bytes": size, "sha256": digest})
    return found
