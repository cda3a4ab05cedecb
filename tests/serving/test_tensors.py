"""TensorProto and JSON to arrays and back, against TensorFlow's own reading."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from serving import rest_json, tensors
from serving.errors import InvalidArgument, ResourceExhausted, Unimplemented

LIMIT = 1 << 20
DTYPES = [
    *(tf.float32, tf.float64, tf.float16, tf.bfloat16, tf.complex64, tf.complex128, tf.bool),
    *(tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64),
]


def array(dtype, shape=(2, 3)):
    values = np.arange(np.prod(shape)).reshape(shape)
    return np.asarray(values % 2 if dtype == tf.bool else values).astype(dtype.as_numpy_dtype)


class TestProto:
    @pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
    @pytest.mark.parametrize("shape", [(2, 3), (), (0, 4), (1,)])
    def test_round_trip(self, dtype, shape):
        given = array(dtype, shape)
        proto = tensors.to_proto(given)
        assert not proto.tensor_content
        np.testing.assert_array_equal(tensors.to_array(proto, LIMIT), given)
        parsed = tf.io.parse_tensor(proto.SerializeToString(), dtype)
        np.testing.assert_array_equal(parsed.numpy(), given)

    def test_strings(self):
        given = np.array([[b"a", b"\xff\x00\x00"]], object)
        read = tensors.to_array(tensors.to_proto(given), LIMIT)
        assert read.tolist() == [[b"a", b"\xff\x00\x00"]]

    @pytest.mark.parametrize(
        "text",
        [
            "dtype: DT_FLOAT tensor_shape { dim { size: 3 } } float_val: 1 float_val: 2",
            "dtype: DT_FLOAT tensor_shape { dim { size: 3 } }",
            "dtype: DT_FLOAT tensor_shape { dim { size: 1 } } float_val: 1 float_val: 2",
            "dtype: DT_STRING tensor_shape { dim { size: 2 } } string_val: 'x'",
            "dtype: DT_UINT8 tensor_shape { dim { size: 2 } } int_val: 257 int_val: -1",
            "dtype: DT_COMPLEX64 tensor_shape { dim { size: 2 } } scomplex_val: 1 scomplex_val: 2",
            "dtype: DT_HALF tensor_shape { dim { size: 2 } } half_val: 15360",
            "dtype: DT_BOOL tensor_shape { } bool_val: true",
            "dtype: DT_FLOAT tensor_shape { unknown_rank: true } float_val: 2",
            "dtype: DT_FLOAT tensor_shape { unknown_rank: true dim { size: 2 } } float_val: 2",
            r"dtype: DT_STRING tensor_shape { dim { size: 2 } } tensor_content: '\003\002catdo'",
            r"dtype: DT_STRING tensor_shape { } tensor_content: '\000'",
            rf"dtype: DT_STRING tensor_shape {{ }} tensor_content: '\254\002{300 * 'x'}'",
            "dtype: DT_FLOAT tensor_shape { dim { size: 0 } } tensor_content: '1234'",
        ],
    )
    def test_filling_as_tensorflow_does(self, text):
        proto = text_format.Parse(text, TensorProto())
        expected = tf.io.parse_tensor(proto.SerializeToString(), tf.dtypes.as_dtype(proto.dtype))
        np.testing.assert_array_equal(tensors.to_array(proto, LIMIT), expected.numpy())

    def test_content(self):
        given = array(tf.float32)
        proto = tf.make_tensor_proto(given)
        assert proto.tensor_content
        np.testing.assert_array_equal(tensors.to_array(proto, LIMIT), given)

    @pytest.mark.parametrize(
        "text",
        [
            "dtype: DT_FLOAT tensor_shape { dim { size: -2 } }",
            "dtype: DT_FLOAT tensor_shape { dim { size: 2 } } tensor_content: '1234567'",
            r"dtype: DT_STRING tensor_shape { } tensor_content: '\003ca'",
            r"dtype: DT_STRING tensor_shape { } tensor_content: '\002cat'",
            r"dtype: DT_STRING tensor_shape { dim { size: 3 } } tensor_content: '\001\001'",
            r"dtype: DT_STRING tensor_shape { } tensor_content: '\377\377\377\377\377\001'",
            "dtype: DT_RESOURCE tensor_shape { }",
            "dtype: DT_VARIANT tensor_shape { }",
            "dtype: DT_FLOAT_REF tensor_shape { }",
            "tensor_shape { }",
        ],
    )
    def test_no_tensor(self, text):
        with pytest.raises(ValueError):  # noqa: PT011, the protocol's text says nothing either
            tensors.to_array(text_format.Parse(text, TensorProto()), LIMIT)

    def test_a_huge_shape_is_refused_before_it_is_allocated(self):
        text = "dtype: DT_FLOAT tensor_shape { %s } float_val: 1" % ("dim { size: 1000000 } " * 9)
        with pytest.raises(ResourceExhausted, match="the limit is 1048576"):
            tensors.to_array(text_format.Parse(text, TensorProto()), LIMIT)


def infos(**dtypes):
    return {alias: TensorInfo(dtype=dtype.as_datatype_enum) for alias, dtype in dtypes.items()}


def read(body, **dtypes):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return rest_json.parse(text).inputs(infos(**dtypes))


def nested(levels):
    return json.loads("[" * levels + "1" + "]" * levels)


class TestJson:
    def test_rows_and_columns_agree(self):
        values = [[1.5, 2], [3, 4]]
        for body in (
            {"instances": values},
            {"instances": [{"x": row} for row in values]},
            {"inputs": values},
            {"inputs": {"x": values}},
        ):
            arrays = read(body, x=tf.float32)
            assert arrays["x"].dtype == np.float32
            np.testing.assert_array_equal(arrays["x"], values)

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ({"instances": [[1, 2], [3]]}, "Failed to process element: 1 of 'instances' list"),
            ({"instances": [[1], 2]}, "Failed to process element: 1 of 'instances' list"),
            ({"instances": [[1], [None]]}, "Type: Null is not of expected type: float"),
            ({"instances": []}, "No values in 'instances' array"),
            ({"instances": 1}, "Excepting 'instances' to be an list/array"),
            ({"instances": [{"x": 1}, 1]}, "Expecting object but got list at item 1"),
            ({"instances": [1, {"x": 1}]}, "Expecting value/list but got object at item 1"),
            ({"inputs": [[1, [2]]]}, "Encountered list at unexpected level: 2 expected < 2"),
            ({"inputs": [[1], 2]}, "found at incorrect level: 2 in the JSON DOM"),
            ({"inputs": [[1], [2, 3]]}, "unexpected size: 2 at level: 1 expected size: 1"),
            ({"inputs": [True]}, "Type: True is not of expected type: float"),
            ({"inputs": [{"y": 1}]}, "Type: Object is not of expected type: float"),
            ({"inputs": nested(65)}, "lists of 65 levels; at most 64 are an array"),
            ({"instances": nested(65)}, "lists of 65 levels; at most 64 are an array"),
        ],
    )
    def test_refused(self, body, text):
        with pytest.raises(InvalidArgument) as caught:
            read(body, x=tf.float32)
        assert text in caught.value.message

    @pytest.mark.parametrize(
        ("dtype", "low", "high"),
        [
            (tf.int64, -(2**63), 2**63 - 1),
            (tf.int32, -(2**31), 2**31 - 1),
            (tf.uint32, 0, 2**32 - 1),
            (tf.uint64, 0, 2**64 - 1),
        ],
        ids=str,
    )
    def test_integer_ranges(self, dtype, low, high):
        assert read({"inputs": [low, high]}, x=dtype)["x"].tolist() == [low, high]
        for value in (low - 1, high + 1):
            with pytest.raises(InvalidArgument):
                read({"inputs": [value]}, x=dtype)

    @pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"1" + b"0" * 400, b"1" * 5000])
    def test_a_number_beyond_double(self, number):
        for body in (b'{"inputs": [%s]}', b'{"inputs": [NaN, %s]}'):
            with pytest.raises(InvalidArgument, match="Number too big to be stored in double"):
                read(body % number, x=tf.float32)

    def test_strings_keep_their_bytes(self):
        body = b'{"inputs": ["a\xff", {"b64": "/wA="}, "\\u00e9"]}'
        assert read(body, x=tf.string)["x"].tolist() == [b"a\xff", b"\xff\x00", "é".encode()]
        for text in (
            b'{"inputs": ["\\ud800"]}',
            b'{"inputs": [{"b64": "?"}]}',
            b'{"inputs": [{"b64": "YQ="}]}',
        ):
            with pytest.raises(InvalidArgument):
                read(text, x=tf.string)

    def test_half_is_not_offered(self):
        with pytest.raises(Unimplemented, match="to type: half"):
            read({"inputs": [1]}, x=tf.float16)

    def test_as_many_levels_as_an_array_may_have(self):
        assert read({"inputs": nested(64)}, x=tf.float32)["x"].shape == (1,) * 64

    @pytest.mark.parametrize(
        "body", [b"[" * 100_000, b'{"inputs": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"]
    )
    def test_deep_json(self, body):
        with pytest.raises((ResourceExhausted, InvalidArgument)):
            read(body, x=tf.float32)

    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_floats_are_the_shortest_that_read_back(self, kind):
        rng = np.random.default_rng(0)
        values = np.concatenate([rng.normal(size=500), 10.0 ** rng.integers(-30, 30, 100)])
        values = values.astype(kind)
        text = rest_json.to_json({"y": values}, by_rows=False)
        read_back = np.array(json.loads(text)["outputs"], kind)
        np.testing.assert_array_equal(read_back, values)
        numbers = text.decode().split("[")[1].split("]")[0].split(",")
        for number, value in zip(numbers, values, strict=True):
            shortest = np.format_float_scientific(value, trim="-").split("e")[0].strip("-")
            digits = number.split("e")[0].replace(".", "").strip("-0 ")
            assert len(digits) <= len(shortest.replace(".", "").rstrip("0"))

    def test_written_values(self):
        outputs = {
            "f": np.array([np.nan, np.inf, -np.inf, 1], np.float32),
            "i": np.array([1, 2, 3, 4]),
            "b": np.array([True, False, True, False]),
            "s": np.array([b"a", b"\x00", b"", b"\xff"], object),
            "s_bytes": np.array([b"a", b"\x00", b"", b"\xff"], object),
        }
        for by_rows in (False, True):
            text = rest_json.to_json(outputs, by_rows=by_rows)
            answer = json.loads(text.decode("utf-8", "surrogateescape"))
            if by_rows:
                rows = answer["predictions"]
                answer = {"outputs": {key: [row[key] for row in rows] for key in outputs}}
            answer = answer["outputs"]
            np.testing.assert_array_equal(answer["f"], outputs["f"])
            assert answer["i"] == [1, 2, 3, 4]
            assert answer["b"] == [True, False, True, False]
            assert answer["s"] == ["a", "\x00", "", "\udcff"]
            assert [e["b64"] for e in answer["s_bytes"]] == ["YQ==", "AA==", "", "/w=="]

    def test_many_values_that_are_no_numbers(self):
        values = np.random.default_rng(0).normal(size=(3, 4, 5))
        values[values > 1] = np.inf
        values[np.abs(values) < 0.5] = np.nan
        for by_rows, name in ((False, "outputs"), (True, "predictions")):
            answer = json.loads(rest_json.to_json({"y": values}, by_rows=by_rows))[name]
            np.testing.assert_array_equal(answer, values)

    def test_rows_must_agree(self):
        outputs = {"a": np.zeros((2, 1)), "b": np.zeros((3, 1))}
        with pytest.raises(InvalidArgument, match="inconsistent batch size"):
            rest_json.to_json(outputs, by_rows=True)


def test_rows_are_counted_before_arrays_are_made():
    for text, rows in (
        (b'{"instances": [[1], [2], [3]]}', 3),
        (b'{"inputs": [NaN, 1]}', 2),
        (b'{"inputs": {"a": [1, 2], "b": [1, 2, 3]}}', 3),
        (b'{"inputs": 1}', 0),
        (b"{}", 0),
    ):
        assert rest_json.parse(text).rows == rows
