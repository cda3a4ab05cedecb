"""TensorFlow Serving's wire behaviour, row by row, against the embedded server or any real one.

    python tests/serving/serving_models.py DIR
    tensorflow_model_server --port=8500 --rest_api_port=8501 --model_config_file=DIR/start.config \
        --monitoring_config_file=DIR/monitoring.config
    ... TF_SERVING_GRPC=localhost:8500 TF_SERVING_REST=http://localhost:8501 TF_SERVING_MODELS=DIR \
        pytest tests/serving/test_contract.py
"""

from __future__ import annotations

import base64
import gzip
import json

import grpc
import numpy as np
import pytest
import serving_models
import tensorflow as tf
from google.protobuf import text_format
from serving_running import PATIENCE, wait_for
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

INVALID, PRECONDITION, NOT_FOUND = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.NOT_FOUND,
)
Z = np.array([[0.5, -1.0], [2.0, 3.25]], np.float32)


@pytest.fixture(scope="module")
def prediction(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def management(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def predict_request(name="types", signature="", version=None, label=None, outputs=(), **inputs):
    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    for alias, value in inputs.items():
        proto = value if isinstance(value, TensorProto) else tf.make_tensor_proto(value)
        request.inputs[alias].CopyFrom(proto)
    return request


def refused(call, request):
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=PATIENCE)
    return caught.value.code(), caught.value.details()


class TestGrpcPredict:
    def test_answer(self, prediction):
        response = prediction.Predict(predict_request(z=Z))
        assert response.model_spec.name == "types"
        assert response.model_spec.version.value == 7
        assert response.model_spec.signature_name == "serving_default"
        assert list(response.outputs["y"].float_val) == (Z + 1).ravel().tolist()
        assert not response.outputs["y"].tensor_content
        assert tf.make_ndarray(response.outputs["y"]).shape == (2, 2)

    def test_version_and_label(self, prediction):
        latents = np.ones((1, 4), np.float32)
        by_version = prediction.Predict(predict_request("mlp", version=1, latents=latents))
        by_label = prediction.Predict(predict_request("mlp", label="stable", latents=latents))
        latest = prediction.Predict(predict_request("mlp", latents=latents))
        assert by_version.model_spec.version.value == by_label.model_spec.version.value == 1
        assert not by_label.model_spec.version_label
        assert by_version.outputs["images"] == by_label.outputs["images"]
        assert latest.model_spec.version.value == 2
        assert latest.outputs["images"] != by_label.outputs["images"]

    def test_several_outputs_and_a_filter(self, prediction):
        a, b = np.float32([1, 2]), np.float32([3, 5])
        response = prediction.Predict(predict_request(signature="pair", a=a, b=b))
        assert list(response.outputs["product"].float_val) == [3, 10]
        filtered = prediction.Predict(predict_request(signature="pair", a=a, b=b, outputs=["sum"]))
        assert set(filtered.outputs) == {"sum"}

    @pytest.mark.parametrize(
        "dtype", ["int64", "int32", "uint8", "bool", "float64", "float16"], ids=str
    )
    def test_dtypes(self, prediction, dtype):
        values = np.array([0, 1, 1, 0], dtype)
        response = prediction.Predict(predict_request(signature=f"echo_{dtype}", x=values))
        np.testing.assert_array_equal(tf.make_ndarray(response.outputs["y"]), values)

    def test_no_rows(self, prediction):
        response = prediction.Predict(predict_request(z=np.zeros((0, 2), np.float32)))
        assert tf.make_ndarray(response.outputs["y"]).shape == (0, 2)

    def test_one_value_fills_the_shape(self, prediction):
        proto = text_format.Parse(
            "dtype: DT_FLOAT tensor_shape { dim { size: 2 } dim { size: 2 } } float_val: 4",
            TensorProto(),
        )
        response = prediction.Predict(predict_request(z=proto))
        assert tf.make_ndarray(response.outputs["y"]).tolist() == [[5, 5], [5, 5]]

    def test_no_spec(self, prediction):
        assert refused(prediction.Predict, predict_pb2.PredictRequest()) == (
            INVALID,
            "Missing ModelSpec",
        )

    def test_unknown_rank(self, prediction):
        proto = tf.make_tensor_proto(Z)
        proto.tensor_shape.unknown_rank = True
        response = prediction.Predict(predict_request(z=proto))
        assert tf.make_ndarray(response.outputs["y"]).tolist() == (Z + 1).tolist()

    def test_empty_label(self, prediction):
        request = predict_request("mlp", label="", latents=np.ones((1, 4), np.float32))
        text = "Unrecognized servable version label: "
        assert refused(prediction.Predict, request) == (INVALID, text)

    def test_no_name(self, prediction):
        request = predict_request("", z=Z)
        request.model_spec.signature_name = "serving_default"
        assert refused(prediction.Predict, request) == (INVALID, "ModelSpec has no name specified.")

    def test_unknown_model(self, prediction):
        text = "Servable not found for request: Latest(nope)"
        assert refused(prediction.Predict, predict_request("nope", z=Z)) == (NOT_FOUND, text)

    def test_unknown_version(self, prediction):
        text = "Servable not found for request: Specific(mlp, 99)"
        assert refused(prediction.Predict, predict_request("mlp", version=99, z=Z)) == (
            NOT_FOUND,
            text,
        )

    def test_unknown_label(self, prediction):
        text = "Unrecognized servable version label: blue"
        assert refused(prediction.Predict, predict_request("mlp", label="blue", z=Z)) == (
            INVALID,
            text,
        )

    def test_unknown_signature(self, prediction):
        text = 'Serving signature key "nope" not found.'
        request = predict_request(signature="nope", z=Z)
        assert refused(prediction.Predict, request) == (PRECONDITION, text)

    def test_wrong_input_name(self, prediction):
        text = (
            "Signature input alias: z(feed name: serving_default_z:0) not found in request and no "
            "default "
            "value provided. Inputs expected to be in the request {w}, or default input alias set: "
        )
        assert refused(prediction.Predict, predict_request(w=Z)) == (INVALID, text)

    def test_missing_input(self, prediction):
        text = (
            "input size does not match signature: 0!=1 len({}) != len({z}). Sent extra: {}. "
            "Missing but required: {z}."
        )
        assert refused(prediction.Predict, predict_request()) == (INVALID, text)

    def test_extra_input(self, prediction):
        text = (
            "input size does not match signature: 2!=1 len({w,z}) != len({z}). Sent extra: {w}. "
            "Missing but required: {}."
        )
        assert refused(prediction.Predict, predict_request(w=Z, z=Z)) == (INVALID, text)

    def test_dtype(self, prediction):
        text = "Expects arg[0] to be float but double is provided"
        request = predict_request(z=Z.astype(np.float64))
        assert refused(prediction.Predict, request) == (INVALID, text)

    def test_shape(self, prediction):
        request = predict_request("mlp", latents=np.ones((2, 7), np.float32))
        code, text = refused(prediction.Predict, request)
        assert code == INVALID
        assert text.startswith("Matrix size-incompatible: In[0]: [2,7], In[1]: [4,8]")

    @pytest.mark.parametrize(
        "proto",
        [
            "dtype: DT_FLOAT tensor_shape { dim { size: -1 } } float_val: 1",
            "dtype: DT_FLOAT tensor_shape { dim { size: 2 } } tensor_content: 'abc'",
            "dtype: DT_INVALID tensor_shape { dim { size: 1 } }",
        ],
    )
    def test_unreadable_tensor(self, prediction, proto):
        tensor = text_format.Parse(proto, TensorProto())
        assert refused(prediction.Predict, predict_request(z=tensor)) == (
            INVALID,
            "tensor parsing error: z",
        )

    def test_output_filter(self, prediction):
        request = predict_request(z=Z, outputs=["nope"])
        text = (
            "output tensor alias not found in signature: nope "
            "Outputs expected to be in the set {y}."
        )
        assert refused(prediction.Predict, request) == (INVALID, text)
        request = predict_request(z=Z, outputs=["y", "y"])
        assert refused(prediction.Predict, request) == (INVALID, "duplicate output tensor alias: y")


class TestGrpcModels:
    def test_metadata(self, prediction):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = "mlp"
        request.model_spec.version_label = "stable"
        response = prediction.GetModelMetadata(request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        assert response.metadata["signature_def"].Unpack(signatures)
        assert {"serving_default", "sample", "png"} <= set(signatures.signature_def)
        assert response.model_spec.version.value == 1

    def test_metadata_without_field(self, prediction):
        request = get_model_metadata_pb2.GetModelMetadataRequest()
        request.model_spec.name = "mlp"
        text = "GetModelMetadataRequest must specify at least one metadata_field"
        assert refused(prediction.GetModelMetadata, request) == (INVALID, text)

    def test_metadata_with_unknown_field(self, prediction):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["x"])
        request.model_spec.name = "mlp"
        text = "Metadata field x is not supported"
        assert refused(prediction.GetModelMetadata, request) == (INVALID, text)

    def test_status_lists_the_newest_first_and_ignores_a_label(self, management):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "mlp"
        request.model_spec.version_label = "stable"
        answer = management.GetModelStatus(request).model_version_status
        assert [entry.version for entry in answer][-2:] == [2, 1]
        assert {entry.state for entry in answer} >= {30}

    def test_status_of_one_version(self, management):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "mlp"
        request.model_spec.version.value = 1
        (entry,) = management.GetModelStatus(request).model_version_status
        assert (entry.version, entry.state, entry.status.error_code) == (1, 30, 0)

    def test_no_spec(self, prediction, management):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        assert refused(prediction.GetModelMetadata, request) == (INVALID, "Missing ModelSpec")
        request = get_model_status_pb2.GetModelStatusRequest()
        assert refused(management.GetModelStatus, request) == (INVALID, "Missing ModelSpec")

    def test_metadata_of_what_is_unknown(self, prediction):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = "nope"
        text = "Servable not found for request: Latest(nope)"
        assert refused(prediction.GetModelMetadata, request) == (NOT_FOUND, text)

    def test_status_of_what_is_unknown(self, management):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "nope"
        text = "Could not find any versions of model nope"
        assert refused(management.GetModelStatus, request) == (NOT_FOUND, text)
        request.model_spec.name = "mlp"
        request.model_spec.version.value = 99
        text = "Could not find version 99 of model mlp"
        assert refused(management.GetModelStatus, request) == (NOT_FOUND, text)


class TestRest:
    @pytest.fixture(autouse=True)
    def _http(self, http):
        self.http = http

    def post(self, body, path="types", method="predict", **kwargs):
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        return self.http.post(f"/v1/models/{path}:{method}", content=content, **kwargs)

    def error(self, response, status=400):
        assert response.status_code == status, response.text
        assert response.headers["content-type"].startswith("application/json")
        text = json.loads(response.text)["error"]
        assert response.text == f'{{\n    "error": {json.dumps(text)}\n}}'
        return text

    def test_rows(self):
        assert self.post({"instances": Z.tolist()}).json() == {"predictions": (Z + 1).tolist()}

    def test_rows_of_objects(self):
        body = {"signature_name": "pair", "instances": [{"a": 1, "b": 3}, {"a": 2, "b": 5}]}
        answer = {"predictions": [{"product": 3.0, "sum": 4.0}, {"product": 10.0, "sum": 7.0}]}
        assert self.post(body).json() == answer

    def test_columns(self):
        assert self.post({"inputs": Z.tolist()}).json() == {"outputs": (Z + 1).tolist()}
        assert self.post({"inputs": {"z": Z.tolist(), "extra": 1}}).json() == {
            "outputs": (Z + 1).tolist()
        }
        body = {"signature_name": "pair", "inputs": {"a": [1], "b": [3]}}
        assert self.post(body).json() == {"outputs": {"product": [3.0], "sum": [4.0]}}

    def test_output_without_rows(self):
        body = {"signature_name": "total", "inputs": Z.tolist()}
        assert self.post(body).json() == {"outputs": 4.75}
        body = {"signature_name": "total", "instances": Z.tolist()}
        assert self.error(self.post(body)) == "Tensor name: total has no shape information "

    @pytest.mark.parametrize("path", ["mlp/versions/1", "mlp/labels/stable"])
    def test_version_and_label(self, path):
        body = {"instances": [[1, 1, 1, 1]]}
        by_path, latest = self.post(body, path).json(), self.post(body, "mlp").json()
        assert by_path == self.post(body, "mlp/versions/1").json()
        assert by_path != latest

    def test_missing_and_extra_key_in_a_row(self):
        for row in ({"a": 1}, {"a": 1, "b": 2, "c": 3}):
            self.error(self.post({"signature_name": "pair", "instances": [row]}))

    def test_bare_values_need_a_single_input(self):
        self.error(self.post({"signature_name": "pair", "instances": [1, 2]}))
        self.error(self.post({"signature_name": "pair", "inputs": [1, 2]}))

    def test_missing_column(self):
        text = "Missing named input: z in 'inputs' object."
        assert self.error(self.post({"inputs": {"w": Z.tolist()}})) == text

    def test_keys(self):
        self.error(self.post({"instances": [1], "inputs": [1]}))
        assert self.error(self.post({"rows": [1]})) == "Missing 'inputs' or 'instances' key"
        assert self.post({"instances": Z.tolist(), "more": 1}).status_code == 200

    def test_empty_body(self):
        assert self.error(self.post("")) == "JSON Parse error: The document is empty"

    def test_no_json(self):
        for body in ("{", "[1", "nope", '{"instances": [1,}', "[]", "1"):
            self.error(self.post(body))

    def test_what_surrounds_the_document(self):
        for body in (
            '{"instances": [[1, 2]]} more',
            '{"instances": [[1, 2]]}}',
            ' \n{"instances": [[1, 2]]}',
        ):
            assert self.post(body).json() == {"predictions": [[2.0, 3.0]]}
            assert self.post(b"\xef\xbb\xbf" + body.encode()).status_code == 200

    def test_a_number_beyond_double(self):
        text = self.error(self.post('{"instances": [[1e999, 0]]}'))
        assert text.startswith("JSON Parse error: Number too big to be stored in double.")

    def test_base64_without_padding(self):
        for text, content in (("eHk", "xy"), ("eA", "x"), ("eA==", "x")):
            body = {"signature_name": "strings", "inputs": [{"b64": text}]}
            assert self.post(body).json()["outputs"]["copy"] == [content]

    def test_content_type_is_ignored(self):
        response = self.post({"instances": Z.tolist()}, headers={"content-type": "image/png"})
        assert response.status_code == 200

    def test_gzip(self):
        body = gzip.compress(json.dumps({"instances": Z.tolist()}).encode())
        response = self.post(body, headers={"content-encoding": "gzip"})
        assert response.json() == {"predictions": (Z + 1).tolist()}

    def test_unknown_signature(self):
        text = 'Serving signature name: "nope" not found in signature def'
        assert self.error(self.post({"signature_name": "nope", "instances": [1]})) == text

    def test_unknown_model_version_label(self):
        body = {"instances": [[1, 1]]}
        text = "Servable not found for request: Latest(nope)"
        assert self.error(self.post(body, "nope"), 404) == text
        text = "Servable not found for request: Specific(mlp, 99)"
        assert self.error(self.post(body, "mlp/versions/99"), 404) == text
        text = "Unrecognized servable version label: blue"
        assert self.error(self.post(body, "mlp/labels/blue")) == text

    @pytest.mark.parametrize(
        ("signature", "value", "kind", "dtype"),
        [
            ("echo_int64", "2.0", "Number", "int64"),
            ("echo_bool", "1", "Number", "bool"),
        ],
    )
    def test_type_errors(self, signature, value, kind, dtype):
        body = f'{{"signature_name": "{signature}", "inputs": [{value}]}}'
        text = f"JSON Value: {value} Type: {kind} is not of expected type: {dtype}"
        assert self.error(self.post(body)) == text

    @pytest.mark.parametrize(
        ("signature", "value"),
        [
            ("echo_float64", "true"),
            ("echo_float64", '"1"'),
            ("echo_float64", "null"),
            ("echo_int64", "true"),
            ("echo_int64", "null"),
            ("echo_int32", "2.5"),
            ("strings", "1"),
        ],
    )
    def test_values_of_another_type(self, signature, value):
        self.error(self.post(f'{{"signature_name": "{signature}", "inputs": [{value}]}}'))
        self.error(self.post(f'{{"signature_name": "{signature}", "instances": [{value}]}}'))

    def test_int_is_a_float(self):
        assert self.post({"signature_name": "echo_float64", "inputs": [2]}).json() == {
            "outputs": [2.0]
        }

    def test_uint8_wraps(self):
        assert self.post({"signature_name": "echo_uint8", "inputs": [257]}).json() == {
            "outputs": [1]
        }

    def test_float32_overflows_to_infinity(self):
        response = self.post('{"inputs": [[1e39, -1e39]]}')
        assert response.json() == {"outputs": [[float("inf"), float("-inf")]]}

    def test_bare_nan_and_infinity(self):
        response = self.post('{"inputs": [[NaN, Infinity], [-Infinity, 0]]}')
        assert [
            word for word in ("NaN", "-Infinity", "Infinity") if word not in response.text
        ] == []
        np.testing.assert_array_equal(response.json()["outputs"], [[np.nan, np.inf], [-np.inf, 1]])

    def test_floats(self):
        body = {"signature_name": "pair", "inputs": {"a": [0.1, 16777216], "b": [0.2, 0.5]}}
        text = self.post(body).text
        values = json.loads(text)["outputs"]["product"]
        expected = np.float32([0.1, 16777216]) * np.float32([0.2, 0.5])
        np.testing.assert_array_equal(np.float32(values), expected)

    def test_strings(self):
        word = base64.b64encode(b"\xff\x00").decode()
        answer = self.post(
            {"signature_name": "strings", "inputs": ["abc", {"b64": "eHk="}]}
        ).json()["outputs"]
        assert answer == {"copy": ["abc", "xy"], "copy_bytes": [{"b64": "YWJj"}, {"b64": "eHk="}]}
        rows = {"signature_name": "strings", "instances": [{"b64": word}]}
        content = self.post(rows).content
        assert b"\xff" in content
        assert f'"{word}"'.encode() in content

    def test_png(self):
        answer = self.post({"signature_name": "png", "instances": [[0, 0, 0, 0]]}, "mlp").json()
        assert base64.b64decode(answer["predictions"][0]["b64"]).startswith(b"\x89PNG")

    def test_status(self):
        response = self.http.get("/v1/models/mlp/versions/1")
        assert response.json() == {
            "model_version_status": [
                {
                    "version": "1",
                    "state": "AVAILABLE",
                    "status": {"error_code": "OK", "error_message": ""},
                }
            ]
        }
        versions = [
            e["version"] for e in self.http.get("/v1/models/mlp").json()["model_version_status"]
        ]
        assert versions[-2:] == ["2", "1"]

    def test_status_by_label(self):
        answer = self.http.get("/v1/models/mlp/labels/stable")
        assert answer.status_code == 200
        assert "1" in [entry["version"] for entry in answer.json()["model_version_status"]]

    def test_status_of_what_is_unknown(self):
        text = "Could not find any versions of model nope"
        assert self.error(self.http.get("/v1/models/nope"), 404) == text
        text = "Could not find version 99 of model mlp"
        assert self.error(self.http.get("/v1/models/mlp/versions/99"), 404) == text

    def test_metadata(self):
        answer = self.http.get("/v1/models/mlp/labels/stable/metadata").json()
        assert answer["model_spec"]["version"] == "1"
        info = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"][
            "latents"
        ]
        assert info["dtype"] == "DT_FLOAT"
        assert [dim["size"] for dim in info["tensor_shape"]["dim"]] == ["-1", "4"]

    def test_metadata_of_a_version(self):
        for path, version in (("mlp/versions/1", "1"), ("mlp", "2")):
            answer = self.http.get(f"/v1/models/{path}/metadata").json()
            assert answer["model_spec"]["version"] == version

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/v1/models/mlp:predict"),
            ("GET", "/v1/models/mlp/"),
            ("GET", "/v1/models/mlp/metadata?verbose=1"),
            ("GET", "/v1//models"),
            ("POST", "/v1/models/mlp:predict?verbose=1"),
            ("POST", "/v1/models/mlp"),
            ("PUT", "/v1/models/mlp:predict"),
            ("DELETE", "/v1/models/mlp"),
            ("POST", "/v1/models/mlp:train"),
        ],
    )
    def test_malformed(self, method, path):
        response = self.http.request(method, path)
        assert self.error(response) == f"Malformed request: {method} {path}"

    def test_missing_model_name(self):
        assert self.error(self.http.get("/v1/models")) == "Missing model name in request."

    @pytest.mark.parametrize("path", ["/v2/models", "/v1"])
    def test_outside_the_interface(self, path):
        response = self.http.get(path)
        assert response.status_code == 404
        assert response.headers["content-type"].startswith("text/html")

    def test_other_methods(self):
        for method, status in (("OPTIONS", 200), ("PURGE", 501)):
            response = self.http.request(method, "/v1/models/mlp")
            assert response.status_code == status
            assert response.headers["content-type"].startswith("text/html")
            assert "access-control-allow-origin" not in response.headers

    def test_upper_case(self):
        assert self.http.get("/V1/MODELS/mlp").json() == self.http.get("/v1/models/mlp").json()

    def test_a_query_is_part_of_the_path(self):
        text = "Could not find any versions of model mlp?verbose=1"
        assert self.error(self.http.get("/v1/models/mlp?verbose=1"), 404) == text

    def test_metrics(self):
        self.post({"instances": Z.tolist()})
        response = self.http.get("/monitoring/prometheus/metrics")
        assert response.headers["content-type"].startswith("text/plain")
        for name in ("request_count", "request_latency", "runtime_latency"):
            assert f":tensorflow:serving:{name}" in response.text
        assert ':tensorflow:serving:request_count{model_name="types",status="OK"}' in response.text


class TestReload:
    """Last: these change what is served, and put it back."""

    CONFIG = "model_config_list {{ {} }}"

    def reload(self, management, text):
        request = model_management_pb2.ReloadConfigRequest()
        text_format.Parse(text, request.config)
        return management.HandleReloadConfigRequest(request, timeout=60)

    def states(self, management, name="mlp"):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        return {e.version: e.state for e in management.GetModelStatus(request).model_version_status}

    def wait(self, management, states, among=frozenset({1, 2, 3})):
        def now():
            return {v: s for v, s in self.states(management).items() if v in among}

        wait_for(lambda: now() == states)
        assert now() == states

    def mlp(self, base, versions, labels=""):
        numbers = " ".join(f"versions: {number}" for number in versions)
        return self.CONFIG.format(
            f'config {{ name: "mlp" base_path: "{base / "mlp"}" model_platform: "tensorflow" '
            f"model_version_policy {{ specific {{ {numbers} }} }} {labels} }}"
        )

    @pytest.fixture(autouse=True)
    def _put_back(self, management, address):
        yield
        whole = serving_models.config_text(address.base)
        self.reload(management, serving_models.without_labels(whole))
        self.wait(management, {1: 30, 2: 30}, among={1, 2})
        self.reload(management, whole)

    def test_empty_config(self, management):
        request = model_management_pb2.ReloadConfigRequest()
        request.config.SetInParent()
        code, text = refused(management.HandleReloadConfigRequest, request)
        assert code == INVALID
        assert text.startswith("ServerModelConfig type not supported by HandleReloadConfigRequest.")

    def test_a_label_needs_an_available_version(self, management, address):
        labels = 'version_labels { key: "next" value: 3 }'
        with pytest.raises(grpc.RpcError) as caught:
            self.reload(management, self.mlp(address.base, (1, 2, 3), labels))
        assert caught.value.code() == PRECONDITION
        assert "which is not currently available for inference" in caught.value.details()

    def test_load_then_label_then_unload(self, management, prediction, address):
        self.reload(management, self.mlp(address.base, (1, 2, 3)))
        self.wait(management, {1: 30, 2: 30, 3: 30})
        label = 'version_labels { key: "next" value: 3 }'
        self.reload(management, self.mlp(address.base, (1, 2, 3), label))
        request = predict_request("mlp", label="next", latents=np.ones((1, 4), np.float32))
        assert prediction.Predict(request).model_spec.version.value == 3
        self.reload(management, self.mlp(address.base, (2,)))
        self.wait(management, {1: 50, 2: 30, 3: 50})

    def test_the_default_policy_is_the_latest_version(self, management, address):
        model = f'name: "mlp" base_path: "{address.base / "mlp"}" model_platform: "tensorflow"'
        self.reload(management, self.CONFIG.format(f"config {{ {model} }}"))
        self.wait(management, {1: 50, 2: 50, 3: 30})

    def test_an_empty_list_unloads_all(self, management, prediction):
        request = model_management_pb2.ReloadConfigRequest()
        request.config.model_config_list.SetInParent()
        management.HandleReloadConfigRequest(request, timeout=PATIENCE)
        wait_for(lambda: set(self.states(management).values()) == {50})
        code, _ = refused(prediction.Predict, predict_request("mlp", z=Z))
        assert code == NOT_FOUND
