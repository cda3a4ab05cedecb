"""Two thousand generated bad requests: each gets the contract's error, and the server goes on."""

from __future__ import annotations

import gzip
import json
import logging
import resource
from collections import Counter

import grpc
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_running import PATIENCE
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

EXAMPLES = 1000  # for each protocol
REST_ERRORS = {400, 404, 429, 501}
GRPC_ERRORS = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNIMPLEMENTED,
}
fuzzing = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
names = st.sampled_from(["types", "mlp", "nope", "", "../types", "MLP", "é", "x" * 300])
signatures = st.sampled_from(["", "serving_default", "pair", "strings", "echo_int64", "png", "no"])
aliases = st.sampled_from(["z", "x", "a", "b", "latents", "seed", "text", "", "é"])


def json_values():
    leaves = (
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats()
        | st.text(max_size=5)
        | st.builds(lambda text: {"b64": text}, st.text(max_size=5))
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(aliases, inner, max_size=3),
        max_leaves=12,
    )


def documents():
    keys = st.sampled_from(["instances", "inputs", "signature_name", "more"])
    loose = st.dictionaries(keys, json_values(), max_size=3)
    shaped = st.builds(
        lambda signature, key, value: {"signature_name": signature, key: value},
        signatures,
        st.sampled_from(["instances", "inputs"]),
        json_values(),
    )
    return st.builds(lambda document: json.dumps(document).encode(), loose | shaped)


def damaged(bodies):
    return st.builds(
        lambda body, at, junk: (
            body[: at % (len(body) + 1)] + junk + body[at % (len(body) + 1) + 1 :]
        ),
        bodies,
        st.integers(0, 200),
        st.binary(max_size=3),
    )


def deep():
    return st.builds(
        lambda depth, opening: b'{"inputs": ' + opening * depth,
        st.integers(1, 20_000),
        st.sampled_from([b"[", b'{"z":', b"[[1],"]),
    )


bodies = documents() | damaged(documents()) | deep() | st.binary(max_size=60)
paths = st.builds(
    lambda name, part, verb: f"/v1/models/{name}{part}{verb}",
    st.sampled_from(["types", "mlp", "nope", "%2e%2e", "%00", "%ff"]),
    st.sampled_from(["", "/versions/1", "/versions/99999999999999999999", "/labels/x", "/x"]),
    st.sampled_from(
        [":predict", ":predict", ":predict", ":classify", ":nope", "/metadata", "?a=b"]
    ),
)


@pytest.fixture(autouse=True)
def _faults(caplog, address):
    """No request may meet a fault of the server, and none may cost memory for good."""
    if not address.embedded:
        pytest.skip("fuzzes the embedded server only")
    logging.getLogger("serving").setLevel(logging.ERROR)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert [record.message for record in caplog.records if record.exc_info] == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


def test_rest(address):
    seen = Counter()
    with httpx.Client(base_url=address.rest, timeout=PATIENCE) as http:

        @fuzzing
        @given(paths, bodies, st.booleans(), st.sampled_from(["POST"] * 8 + ["GET", "PUT"]))
        def ask(path, body, packed, method):
            headers = {"content-encoding": "gzip"} if packed else {}
            content = gzip.compress(body)[: -len(body) % 3 or None] if packed else body
            response = http.request(method, path, content=content, headers=headers)
            seen[response.status_code] += 1
            if response.status_code != 200:
                assert response.status_code in REST_ERRORS, response.text
                assert json.loads(response.content.decode())["error"]
            good = http.post("/v1/models/types:predict", content='{"instances": [[0, 1]]}')
            assert good.json() == {"predictions": [[1.0, 2.0]]}

        ask()
    assert sum(seen.values()) - seen[200] >= 0.95 * EXAMPLES, seen


def tensor_protos():
    sizes = st.integers(-2, 4) | st.sampled_from([2**20, 2**31, 2**62, 2**63 - 1])
    return st.builds(
        _tensor,
        st.sampled_from([0, 1, 1, 1, 2, 3, 4, 6, 7, 9, 10, 14, 19, 20, 21, 23, 101]),
        st.lists(sizes, max_size=4),
        st.binary(max_size=9) | st.just(b""),
        st.lists(st.floats(width=32), max_size=3),
        st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
        st.lists(st.binary(max_size=3), max_size=2),
    )


def _tensor(dtype, shape, content, floats, integers, strings):
    proto = TensorProto(dtype=dtype, tensor_content=content)
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    proto.float_val.extend(floats)
    proto.int_val.extend(integers)
    proto.string_val.extend(strings)
    return proto


def _request(name, signature, version, label, inputs, outputs):
    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    elif label:
        request.model_spec.version_label = label
    for alias, proto in inputs.items():
        request.inputs[alias].CopyFrom(proto)
    return request.SerializeToString()


requests = st.builds(
    _request,
    st.sampled_from(["types"] * 4 + ["mlp", "nope", "", "é"]),
    signatures,
    st.none() | st.none() | st.sampled_from([0, 1, 7, -1, 2**62]),
    st.sampled_from(["", "", "", "x", "stable"]),
    st.dictionaries(aliases, tensor_protos(), max_size=3),
    st.lists(st.sampled_from(["y", "y", "no"]), max_size=2),
)


def test_grpc(address, channel):
    method = "/tensorflow.serving.PredictionService/Predict"
    raw = channel.unary_unary(method, request_serializer=None, response_deserializer=None)
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    good = predict_pb2.PredictRequest()
    good.model_spec.name = "types"
    good.inputs["z"].CopyFrom(_tensor(1, [1, 2], b"", [0, 1], [], []))
    seen = Counter()

    @fuzzing
    @given(requests | damaged(requests) | st.binary(max_size=40))
    def ask(body):
        call = raw.future(body, timeout=PATIENCE)
        code = call.code()
        seen[code] += 1
        if code != grpc.StatusCode.OK:
            unreadable = code == grpc.StatusCode.INTERNAL and _unreadable(body)
            assert code in GRPC_ERRORS or unreadable, (code, call.details())
            assert call.details()
        assert list(stub.Predict(good, timeout=PATIENCE).outputs["y"].float_val) == [1.0, 2.0]

    ask()
    assert sum(seen.values()) - seen[grpc.StatusCode.OK] >= 0.95 * EXAMPLES, seen


def _unreadable(body):
    try:
        predict_pb2.PredictRequest.FromString(body)
    except Exception:
        return True
    return False
