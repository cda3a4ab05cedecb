"""Describes an export from its files alone."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from export import saved_model, versions
from export.writing import METADATA_FILE
from keras_gan import InputError


def describe(path: Path) -> Iterator[str]:
    """Lines that describe an export: signatures, metadata, files with sizes and SHA-256."""
    if path.is_file() and path.suffix == ".onnx":
        yield from _onnx(path)
        yield from _files(path.parent, path.parent.glob(f"{path.name}*"))
        return
    if path.is_dir() and not (path / METADATA_FILE).is_file():
        existing = versions.existing(path)
        path = existing[max(existing)] if existing else path
    if os.path.lexists(path / METADATA_FILE):
        _check_plain(path)
    try:
        metadata = dict(json.loads((path / METADATA_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        raise InputError(
            f"{path} is not an export: it has no readable {METADATA_FILE}; "
            "give a version's directory, a model's directory or an .onnx file"
        ) from None
    yield f"{path}"
    if (path / saved_model.FILE).is_file():
        yield from _saved_model(path)
    for file in sorted(path.glob("*.onnx")):
        yield from _onnx(file)
    yield "metadata"
    # A name may hold what a terminal takes for commands; JSON escapes it.
    yield from (
        f"  {json.dumps(key)[1:-1]}: {json.dumps(value)}" for key, value in metadata.items()
    )
    yield from _files(path, path.rglob("*"))


def _check_plain(path: Path) -> None:
    """Raises InputError for a link, which could lead anywhere, or a pipe, which may never end."""
    for file in path.rglob("*"):
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            raise InputError(
                f"{file} is neither a regular file nor a directory, as all of an export are; put a "
                "copy in its place"
            )


def _saved_model(path: Path) -> Iterator[str]:
    import tensorflow as tf
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    content = saved_model_pb2.SavedModel()
    try:
        content.ParseFromString((path / saved_model.FILE).read_bytes())
        signatures = content.meta_graphs[0].signature_def
    except (DecodeError, LookupError):
        raise InputError(f"{path / saved_model.FILE} cannot be read as a SavedModel") from None
    for name, signature in sorted(signatures.items()):
        if name.startswith("__"):
            continue
        yield f"SavedModel, signature {name}"
        for side, infos in (("in ", signature.inputs), ("out", signature.outputs)):
            for alias, info in sorted(infos.items()):
                shape = ["n" if dim.size < 0 else dim.size for dim in info.tensor_shape.dim]
                dtype = tf.dtypes.as_dtype(info.dtype).name
                yield f"{_tensor(side, alias, dtype, shape)}  ({info.name})"


def _onnx(path: Path) -> Iterator[str]:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError:
        raise InputError(f"{path} cannot be read as an ONNX model") from None
    if model.producer_name != "keras_gan":
        raise InputError(f"{path} is not an export of keras_gan")
    opset = next(entry.version for entry in model.opset_import if entry.domain == "")
    yield f"{path.name}, ONNX opset {opset}: {model.doc_string}"
    for side, values in (("in ", model.graph.input), ("out", model.graph.output)):
        for value in values:
            tensor = value.type.tensor_type
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
            shape = [dim.dim_param or dim.dim_value for dim in tensor.shape.dim]
            yield _tensor(side, value.name, dtype, shape)
    yield "  metadata"
    yield from (f"    {entry.key}: {entry.value}" for entry in model.metadata_props)


def _tensor(side: str, name: str, dtype: str, shape: Iterable[str | int]) -> str:
    return f"  {side} {name}: {dtype} [{', '.join(map(str, shape))}]"


def _files(root: Path, paths: Iterable[Path]) -> Iterator[str]:
    yield "files: bytes, sha256, name"
    for path in sorted(path for path in paths if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield f"  {path.stat().st_size:>12,}  {digest}  {path.relative_to(root)}"
