"""TensorFlow Serving's JSON answers: outputs by rows (`predictions`) or by columns (`outputs`).

Floats are the shortest decimals that read back as the same float, NaN and Infinity are not quoted,
and strings are `{"b64": "..."}` where the output's name ends in `_bytes`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import numpy as np
import orjson

from serving import tensors
from serving.errors import InvalidArgument
from serving.execution import Arrays


def to_json(outputs: Arrays, *, by_rows: bool) -> bytes:
    """Writes the answer to a predict request.

    Args:
        outputs: Output alias to array.
        by_rows: One list of rows, or one value per output.

    Raises:
        InvalidArgument: Rows are asked for and an output has none, or their number differs.
    """
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
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _nested(array)
    plain = np.ascontiguousarray(array) if array.ndim else array[()]
    return orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _nested(array: np.ndarray) -> str:
    """Slower than orjson, and the only way to write NaN and Infinity."""
    if array.ndim:
        return "[" + ", ".join(_nested(item) for item in array) + "]"
    if np.isnan(array):
        return "NaN"
    if np.isinf(array):
        return "Infinity" if array > 0 else "-Infinity"
    return orjson.dumps(array[()], option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _string_value(value: bytes | list, *, as_bytes: bool) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_string_value(item, as_bytes=as_bytes) for item in value) + "]"
    if as_bytes:
        return f'{{"b64": "{base64.b64encode(value).decode()}"}}'
    return json.dumps(value.decode("utf-8", "surrogateescape"), ensure_ascii=False)
