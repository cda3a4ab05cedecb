"""A client's tensors and a signature: inputs that do not fit it are refused before they are sent.

A server that runs the requests of several clients in one batch may fail all of them for the fault
of one. Nor does it gain anything from a request without rows, which may wait for a batch in vain.
"""

from __future__ import annotations

import numpy as np

from serving.calls import Arrays, ModelMetadata, TensorSpec
from serving.errors import InvalidArgument

CLASSES, ONE_HOT, CONDITION = "classes", "one_hot", "condition"  # names in exports of keras_gan
_BITS = (8, 16, 32, 64)
_DTYPES = {
    "DT_FLOAT": "float32",
    "DT_DOUBLE": "float64",
    "DT_HALF": "float16",
    **{f"DT_{kind}{bits}".upper(): f"{kind}{bits}" for kind in ("int", "uint") for bits in _BITS},
    "DT_BOOL": "bool",
}
_ALLOWED = {"f": "fiub", "i": "iub", "u": "iub", "b": "b"}  # kinds of NumPy's dtypes


def fitting(inputs: Arrays, metadata: ModelMetadata, signature: str) -> Arrays:
    """The inputs in the signature's dtypes; one that is left out is the server's to refuse.

    Raises:
        InvalidArgument: The signature has no such input, or one of another shape or type, or
            another number of rows, or a class that the model does not have.
    """
    specs = metadata.inputs.get(signature, {})
    # Servers ignore unknown inputs in the column format of REST.
    if specs and (unknown := sorted(set(inputs) - set(specs))):
        raise InvalidArgument(
            f"{signature} has no input {unknown[0]}; its inputs are {', '.join(sorted(specs))}."
        )
    checked = {
        alias: _cast(alias, array, specs[alias]) if alias in specs else _strings(array)
        for alias, array in inputs.items()
    }
    rows = {alias: len(array) for alias, array in checked.items() if array.ndim}
    if len(set(rows.values())) > 1:
        raise InvalidArgument(f"All inputs must have the same number of rows. Received: {rows}")
    one_hot = metadata.outputs.get(CLASSES, {}).get(ONE_HOT)
    if one_hot is not None and CONDITION in specs and CONDITION in checked:
        _check_classes(checked[CONDITION], one_hot.shape[-1])
    return checked


def typed(outputs: Arrays, metadata: ModelMetadata, signature: str) -> Arrays:
    """The outputs by their names and in their dtypes, which REST leaves out."""
    specs = metadata.outputs.get(signature, {})
    if "" in outputs and specs:
        outputs = {next(iter(specs)): outputs[""]}
    return {
        alias: array.astype(_DTYPES[specs[alias].dtype], copy=False)
        if alias in specs and specs[alias].dtype in _DTYPES
        else array
        for alias, array in outputs.items()
    }


def answer_without_rows(metadata: ModelMetadata, signature: str) -> Arrays:
    """The outputs of a signature for 0 rows."""
    answer = {}
    for alias, spec in metadata.outputs[signature].items():
        if spec.shape[:1] != (-1,):
            raise InvalidArgument(
                f"{signature} needs at least one row: its output {alias} is not one value per row."
            )
        shape = (0, *(max(size, 0) for size in spec.shape[1:]))
        answer[alias] = np.zeros(shape, _DTYPES.get(spec.dtype, object))
    return answer


def _strings(array: np.ndarray) -> np.ndarray:
    """Strings as the protocol has them, bytes in an array of objects; other arrays as they are."""
    if array.dtype.kind not in "USO":
        return array
    encode = np.vectorize(lambda v: v.encode() if isinstance(v, str) else v, otypes=[object])
    return encode(array)


def _cast(alias: str, array: np.ndarray, spec: TensorSpec) -> np.ndarray:
    # A shape of no dimensions may also stand for any.
    if spec.shape and (
        len(array.shape) != len(spec.shape)
        or any(size not in (-1, given) for size, given in zip(spec.shape, array.shape, strict=True))
    ):
        raise InvalidArgument(
            f"{alias} must have shape {_shown(spec.shape)}. Received: {list(array.shape)}"
        )
    if spec.dtype == "DT_STRING":
        given, array = array.dtype, _strings(array)
        if not all(isinstance(value, bytes) for value in array.ravel()):
            raise InvalidArgument(f"{alias} must hold strings. Received: {given}")
    if spec.dtype not in _DTYPES:
        return array
    dtype = np.dtype(_DTYPES[spec.dtype])
    received = str(array.dtype)
    if array.dtype.kind in _ALLOWED[dtype.kind] or (received, dtype.kind) == ("bfloat16", "f"):
        with np.errstate(over="ignore"):
            cast = array.astype(dtype, copy=False)
        lost = np.isinf(cast) & ~np.isinf(array) if dtype.kind == "f" else cast != array
        if not lost.any():
            return cast
        received += f", with {array[lost][0]}"
    raise InvalidArgument(f"{alias} must hold numbers of type {dtype}. Received: {received}")


def _shown(shape: tuple[int, ...]) -> str:
    sizes = ["any" if size < 0 else str(size) for size in shape]
    return f"[{', '.join(['n', *sizes[1:]] if shape[:1] == (-1,) else sizes)}]"


def _check_classes(classes: np.ndarray, count: int) -> None:
    bad = np.flatnonzero((classes < 0) | (classes >= count))
    if bad.size:
        raise InvalidArgument(
            f"{CONDITION} must be classes from 0 to {count - 1}. Received: {classes[bad[0]]} "
            f"at row {bad[0]}"
        )
