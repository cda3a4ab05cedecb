"""TensorProto to NumPy and back, by the rules of TensorFlow's C++ runtime.

A proto may hold its values as raw bytes (`tensor_content`) or in the repeated field of its dtype;
there, the last value fills what is missing, and no value at all means zeros. `tf.make_ndarray`
follows these rules only in part, and it allocates whatever shape the proto declares.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from serving.errors import ResourceExhausted

_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int32: "int_val",
    tf.int16: "int_val",
    tf.int8: "int_val",
    tf.uint16: "int_val",
    tf.uint8: "int_val",
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
    tf.float16: "half_val",
    tf.bfloat16: "half_val",
    tf.complex64: "scomplex_val",
    tf.complex128: "dcomplex_val",
}
# A packed field of the wire format is its tag, its length and the values as they lie in memory:
# writing it that way is a copy instead of a Python loop. The tag is (field number << 3) | 2.
_PACKED_TAG = {tf.float32: b"\x2a", tf.float64: b"\x32"}
_TYPE_NAMES = {tf.float32: "float", tf.float64: "double", tf.float16: "half"}


def type_name(dtype: tf.DType) -> str:
    """The name that TensorFlow's C++ side, and so the protocol, gives a dtype."""
    return _TYPE_NAMES.get(dtype, dtype.name)


def dtype_of(array: np.ndarray) -> tf.DType:
    """The TensorFlow dtype of an array; arrays of objects hold strings."""
    return tf.string if array.dtype == object else tf.dtypes.as_dtype(array.dtype)


def to_array(proto: tensor_pb2.TensorProto, max_bytes: int) -> np.ndarray:
    """Reads a TensorProto; ValueError if it is invalid, ResourceExhausted beyond `max_bytes`."""
    try:
        dtype = tf.dtypes.as_dtype(proto.dtype)
    except TypeError as error:
        raise ValueError(str(error)) from None
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if dtype not in _FIELDS or len(shape) > 254 or min(shape, default=0) < 0:
        raise ValueError(f"no tensor of dtype {dtype.name} and shape {shape}")
    count = math.prod(shape)
    numpy_dtype = np.dtype(dtype.as_numpy_dtype)
    if count * numpy_dtype.itemsize > max_bytes:  # a proto of a few bytes may declare any shape
        raise ResourceExhausted(
            f"A tensor of shape {list(shape)} and dtype {dtype.name} needs "
            f"{count * numpy_dtype.itemsize} bytes; the limit is {max_bytes}."
        )
    if proto.tensor_content and count:
        if dtype == tf.string:
            return _packed_strings(proto.tensor_content, count).reshape(shape)
        if len(proto.tensor_content) != count * numpy_dtype.itemsize:
            raise ValueError("the length of tensor_content does not fit the shape")
        return np.frombuffer(proto.tensor_content, numpy_dtype).reshape(shape)
    values = _field_values(getattr(proto, _FIELDS[dtype]), dtype, numpy_dtype)[:count]
    if len(values) < count:
        fill = values[-1] if len(values) else (b"" if dtype == tf.string else 0)
        filled = np.full(count, fill, numpy_dtype)
        filled[: len(values)] = values
        values = filled
    return values.reshape(shape)


def _packed_strings(content: bytes, count: int) -> np.ndarray:
    """Strings after their lengths, which are variable-length integers."""
    lengths, start = [], 0
    for _ in range(count):
        length = shift = 0
        while True:
            if start == len(content) or shift > 28:
                raise ValueError("tensor_content does not hold the lengths of its strings")
            byte, start = content[start], start + 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        lengths.append(length)
    ends = np.cumsum([start, *lengths])
    if ends[-1] != len(content):
        raise ValueError("the length of tensor_content does not fit its strings")
    values = np.empty(count, object)
    values[:] = [content[a:b] for a, b in itertools.pairwise(ends)]
    return values


def _field_values(field: Sequence, dtype: tf.DType, numpy_dtype: np.dtype) -> np.ndarray:
    if dtype in (tf.float16, tf.bfloat16):  # the bit patterns, one in each int32
        return np.fromiter(field, np.int32, len(field)).astype(np.uint16).view(numpy_dtype)
    if dtype.is_complex:  # real and imaginary parts in turn
        part = np.float32 if dtype == tf.complex64 else np.float64
        return np.fromiter(field, part, len(field) // 2 * 2).view(numpy_dtype)
    if dtype == tf.string:
        return np.array(field, object)
    if _FIELDS[dtype] == "int_val":  # narrow types wrap, as a C++ cast does
        return np.fromiter(field, np.int32, len(field)).astype(numpy_dtype)
    return np.fromiter(field, numpy_dtype, len(field))


def to_proto(array: np.ndarray) -> tensor_pb2.TensorProto:
    """Writes an array as TensorFlow Serving does: values in the repeated field of their dtype."""
    dtype = dtype_of(array)
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    flat = array.ravel()
    if dtype in _PACKED_TAG:
        payload = flat.astype(flat.dtype.newbyteorder("<"), copy=False).tobytes()
        proto.MergeFromString(_PACKED_TAG[dtype] + _varint(len(payload)) + payload)
    elif dtype in (tf.float16, tf.bfloat16):
        proto.half_val.extend(flat.view(np.uint16).tolist())
    elif dtype.is_complex:
        getattr(proto, _FIELDS[dtype]).extend(flat.view(flat.real.dtype).tolist())
    else:
        getattr(proto, _FIELDS[dtype]).extend(flat.tolist())
    return proto


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
