"""TensorFlow Serving's JSON: rows (`instances`, `predictions`) or columns (`inputs`, `outputs`).

Numbers are checked by the protocol's rules (an int is a float, but 2.0 is no int; a bool is no
number). Floats are written as the shortest decimals that read back as the same float, NaN and
Infinity are not quoted, and strings may be `{"b64": "..."}`.
"""

from __future__ import annotations

import base64
import gc
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from serving import tensors
from serving.errors import InvalidArgument, ResourceExhausted, Unimplemented
from serving.execution import Arrays

Inputs = Mapping[str, meta_graph_pb2.TensorInfo]

# Python's texts for invalid JSON, and the protocol's.
_PARSE_ERRORS = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Expecting ',' delimiter": "Missing a comma or closing bracket after an element.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
}
_SPACE = " \t\n\r"
_MAX_LEVELS = 64  # dimensions of a NumPy array
_ECHO = 200  # characters of a value that an error repeats


@dataclass(frozen=True)
class Request:
    """A parsed predict request."""

    signature_name: str
    body: dict

    @property
    def by_rows(self) -> bool:
        """Whether the answer is by rows too."""
        return "instances" in self.body

    @property
    def rows(self) -> int:
        """How many rows the request seems to have, known before any array is made."""
        value = self.body.get("instances", self.body.get("inputs"))
        columns = value.values() if isinstance(value, dict) else [value]
        return max((len(column) for column in columns if isinstance(column, list)), default=0)

    def inputs(self, infos: Inputs) -> Arrays:
        """Reads the arrays of a signature's inputs."""
        rows, columns = "instances" in self.body, "inputs" in self.body
        if rows and columns:
            raise InvalidArgument(
                f"JSON Value: {_show(self.body)} Not formatted correctly expecting only one of "
                "'inputs' or 'instances' keys to exist "
            )
        if rows:
            return _from_rows(self.body, infos)
        if columns:
            return _from_columns(self.body["inputs"], infos)
        raise InvalidArgument("Missing 'inputs' or 'instances' key")


def parse(body: bytes) -> Request:
    """Parses the body of a predict request."""
    if not body:
        raise InvalidArgument("JSON Parse error: The document is empty")
    try:
        document = _load(body)
    except RecursionError:
        raise ResourceExhausted("The JSON document is nested too deeply.") from None
    except json.JSONDecodeError as error:
        text = _PARSE_ERRORS.get(error.msg, f"{error.msg}.")
        raise InvalidArgument(f"JSON Parse error: {text} at offset: {error.pos}") from None
    except ValueError:
        raise InvalidArgument("JSON Parse error: Number too big to be stored in double.") from None
    if not isinstance(document, dict):
        raise InvalidArgument(f"JSON Value: {_show(document)} Is not object")
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise InvalidArgument(
            f"JSON Value: {_show(document)} not formatted correctly. 'signature_name' key must be "
            "a string value."
        )
    return Request(name, document)


def _load(body: bytes) -> Any:
    # Millions of new lists make the collector search the whole heap again and again, TensorFlow's
    # objects too, for cycles that JSON does not have: for seconds no request would be answered.
    gc.disable()
    try:
        return orjson.loads(body)  # faster, and stricter than the protocol
    except orjson.JSONDecodeError:  # bytes that are no UTF-8 pass through strings unchanged
        text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff").lstrip(_SPACE)
        return _DECODER.raw_decode(text)[0]  # what follows the document is not read
    finally:
        gc.enable()


def _integer(text: str) -> int:
    _real(text)
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return value


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_real)


def _from_rows(body: dict, infos: Inputs) -> Arrays:
    rows = body["instances"]
    if not isinstance(rows, list):
        raise InvalidArgument(
            f"JSON Value: {_show(body)} Excepting 'instances' to be an list/array"
        )
    if not rows:
        raise InvalidArgument(f"JSON Value: {_show(body)} No values in 'instances' array")
    if not _is_row_object(rows[0]):
        if len(infos) > 1:
            raise InvalidArgument(
                "instances is a plain list, but expecting list of objects as multiple input "
                "tensors required as per tensorinfo_map"
            )
        for index, row in enumerate(rows):
            if _is_row_object(row):
                raise InvalidArgument(
                    f"Expecting value/list but got object at item {index} of input list"
                )
        alias = next(iter(infos))
        return {alias: _row_array(rows, infos[alias], "")}
    for index, row in enumerate(rows):
        if not _is_row_object(row):
            raise InvalidArgument(f"Expecting object but got list at item {index} of input list")
        if row.keys() != infos.keys():
            raise InvalidArgument(
                f"Failed to process element: {index} of 'instances' list. JSON object: "
                f"{_show(row)} keys must be equal to: {','.join(sorted(infos))}"
            )
    return {
        alias: _row_array([row[alias] for row in rows], info, f" key: {alias}")
        for alias, info in infos.items()
    }


def _is_row_object(value: object) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _row_array(rows: list, info: meta_graph_pb2.TensorInfo, key: str) -> np.ndarray:
    try:
        return _array(rows, info)
    except InvalidArgument as error:
        whole = error
    first = None  # only now find the row that causes the error
    for index, row in enumerate(rows):
        try:
            array = _array(row, info)
            first = array if first is None else first
            if array.size != first.size:
                raise InvalidArgument(f"Expecting tensor size: {first.size} but got: {array.size}")
            if array.shape != first.shape:
                raise InvalidArgument(
                    f"Expecting shape {list(first.shape)} but got: {list(array.shape)}".replace(
                        ", ", ","
                    )
                )
        except InvalidArgument as error:
            raise InvalidArgument(
                f"Failed to process element: {index}{key} of 'instances' list. "
                f"Error: INVALID_ARGUMENT: {error.message}"
            ) from None
    raise whole


def _from_columns(value: Any, infos: Inputs) -> Arrays:
    if not _is_row_object(value):
        if len(infos) > 1:
            raise InvalidArgument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        alias = next(iter(infos))
        return {alias: _array(value, infos[alias])}
    for alias in sorted(infos):
        if alias not in value:
            raise InvalidArgument(f"Missing named input: {alias} in 'inputs' object.")
    return {alias: _array(value[alias], info) for alias, info in infos.items()}


def _array(value: Any, info: meta_graph_pb2.TensorInfo) -> np.ndarray:
    """A nested list, whose lists of one level are equally long, as an array of the dtype."""
    shape: list[int] = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    leaves = [value]
    for level, size in enumerate(shape):
        for item in leaves:
            if not isinstance(item, list):
                raise InvalidArgument(
                    f"JSON Value: {_show(item)} found at incorrect level: {level + 1} in the JSON "
                    f"DOM. Expected at level: {len(shape)}"
                )
            if len(item) != size:
                raise InvalidArgument(
                    f"Encountered list at unexpected size: {len(item)} at level: {level} expected "
                    f"size: {size}"
                )
        leaves = list(chain.from_iterable(leaves))
    if list in set(map(type, leaves)):
        raise InvalidArgument(
            f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}"
        )
    if len(shape) > _MAX_LEVELS:
        raise InvalidArgument(
            f"Encountered lists of {len(shape)} levels; at most {_MAX_LEVELS} are an array"
        )
    return _leaves(leaves, tf.dtypes.as_dtype(info.dtype)).reshape(shape)


def _leaves(values: list, dtype: tf.DType) -> np.ndarray:
    kinds = set(map(type, values))
    allowed: set[type]
    if dtype == tf.string:
        return np.array([_string(value) for value in values], object)
    if dtype == tf.bool:
        allowed, low, high = {bool}, None, None
    elif dtype in (tf.float32, tf.float64):
        allowed, low, high = {int, float}, None, None
    elif dtype.is_integer:
        # Types narrower than int32 accept any int32 and wrap.
        bounds = dtype if dtype in (tf.int64, tf.uint32, tf.uint64) else tf.int32
        allowed, low, high = {int}, bounds.min, bounds.max
    else:
        text = _show(values[0]) if values else ""
        raise Unimplemented(f"Conversion of JSON Value: {text} to type: {tensors.type_name(dtype)}")
    if not kinds <= allowed or (
        low is not None and values and (min(values) < low or max(values) > high)
    ):
        wrong = next(
            v
            for v in values
            if type(v) not in allowed or (low is not None and not low <= v <= high)
        )
        raise InvalidArgument(
            f"JSON Value: {_show(wrong)} Type: {_type(wrong)} is not of expected type: "
            f"{tensors.type_name(dtype)}"
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        if low is not None:
            wide = np.array(values, np.uint64 if dtype == tf.uint64 else np.int64)
            return wide.astype(dtype.as_numpy_dtype)
        return np.array(values, dtype.as_numpy_dtype)


def _is_base64(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _string(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half of a pair, written as an escape
            raise InvalidArgument(
                "JSON Parse error: The surrogate pair in string is invalid."
            ) from None
    if not _is_base64(value):
        if isinstance(value, dict):
            raise InvalidArgument(
                f"JSON Value: {_show(value)} not formatted correctly for base64 data"
            )
        raise InvalidArgument(
            f"JSON Value: {_show(value)} Type: {_type(value)} is not of expected type: string"
        )
    text = value["b64"]
    if "=" not in text:  # the padding may be left out, but not a part of it
        text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise InvalidArgument("Unable to base64 decode") from None


def _type(value: object) -> str:
    if isinstance(value, bool):
        return str(value)
    kinds = {str: "String", dict: "Object", list: "Array", type(None): "Null"}
    return kinds.get(type(value), "Number")


def error_body(message: str) -> bytes:
    """Writes the answer to a request that failed."""
    text = json.dumps(message, ensure_ascii=False)
    return f'{{\n    "error": {text}\n}}'.encode("utf-8", "replace")


def _show(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        text = "..."
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _ECHO else f"{text[:_ECHO]}..."


def to_json(outputs: Arrays, *, by_rows: bool) -> bytes:
    """Writes the answer to a predict request, as a list of rows or one value per output."""
    if by_rows:
        size = None
        for alias, array in outputs.items():
            if array.ndim == 0:
                raise InvalidArgument(f"Tensor name: {alias} has no shape information ")
            if size not in (None, array.shape[0]):
                raise InvalidArgument(
                    f"Tensor name: {alias} has inconsistent batch size: {array.shape[0]} "
                    f"expecting: {size}"
                )
            size = array.shape[0]
        lines = ",\n".join(
            " " * 8 + _values({k: a[row] for k, a in outputs.items()}) for row in range(size or 0)
        )
        text = f'{{\n    "predictions": [{lines.lstrip()}\n    ]\n}}'
    else:
        text = f'{{\n    "outputs": {_values(outputs)}\n}}'
    return text.encode("utf-8", "surrogateescape")


def _values(outputs: Mapping[str, np.ndarray]) -> str:
    if len(outputs) == 1:
        return next(_value(alias, array) for alias, array in outputs.items())
    return "{" + ", ".join(f"{json.dumps(k)}: {_value(k, a)}" for k, a in outputs.items()) + "}"


def _value(alias: str, array: np.ndarray | bytes) -> str:
    if isinstance(array, bytes):  # a row of a vector of strings
        return _string_value(array, as_bytes=alias.endswith("_bytes"))
    if array.dtype == object:
        return _string_value(array.tolist(), as_bytes=alias.endswith("_bytes"))
    if array.dtype.kind not in "fiub" or (array.dtype.kind == "f" and array.dtype.itemsize < 4):
        raise InvalidArgument(
            "Failed to write JSON value for tensor type: "
            f"{tensors.type_name(tensors.dtype_of(array))}"
        )
    plain = np.ascontiguousarray(array) if array.ndim else array[()]
    text = orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    if array.dtype.kind != "f":
        return text
    others = iter(array[~np.isfinite(array)].tolist())  # orjson writes them as null
    return re.sub("null", lambda _: json.dumps(next(others)), text)


def _string_value(value: bytes | list, *, as_bytes: bool) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_string_value(item, as_bytes=as_bytes) for item in value) + "]"
    if as_bytes:
        return f'{{"b64": "{base64.b64encode(value).decode()}"}}'
    return json.dumps(value.decode("utf-8", "surrogateescape"), ensure_ascii=False)
