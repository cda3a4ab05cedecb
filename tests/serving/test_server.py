"""What the embedded server adds: health, reflection, TLS, limits, deadlines, safe paths."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
import json
import os
import shutil
import socket
import time
from dataclasses import replace

import grpc
import httpx
import numpy as np
import pytest
import serving_models
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from serving_running import PATIENCE, running, wait_for
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving import AsyncClient, Client, ClientKeys, errors, tensors
from serving.calls import Predict, Target
from serving.config import Batching, ModelConfig, read_model_config_file
from serving.settings import Limits, Settings
from serving.tls import read_keys


def settings(base, *models, **changes):
    models_on_disk = read_model_config_file(base / "models.config")
    chosen = tuple(model for model in models_on_disk if not models or model.name in models)
    defaults = {"roots": (base.resolve(),), "port": 0, "rest_api_port": 0}
    return Settings(chosen, **{**defaults, **changes})


@pytest.fixture(scope="module")
def limited(contract_base):
    limits = Limits(max_request_bytes=20_000, max_rows=8, max_concurrent=4, max_connections=6)
    with running(settings(contract_base, limits=limits, metrics_path="/v1/metrics")) as server:
        yield server


@pytest.fixture(scope="module")
def impatient(contract_base):
    """A server that closes connections which are idle for one second."""
    with running(settings(contract_base, limits=Limits(body_seconds=1))) as server:
        yield server


def rest(server):
    return f"http://127.0.0.1:{server.rest_api_port}"


def post(server, body, **kwargs):
    content = body if isinstance(body, bytes) else json.dumps(body)
    url = f"{rest(server)}/v1/models/types:predict"
    return httpx.post(url, content=content, timeout=PATIENCE, **kwargs)


def test_metrics_beneath_the_interface(limited):
    page = httpx.get(f"{rest(limited)}/v1/metrics")
    assert (page.status_code, page.headers["content-type"][:10]) == (200, "text/plain")


def test_health(limited):
    with grpc.insecure_channel(f"127.0.0.1:{limited.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", "tensorflow.serving.PredictionService"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection(limited):
    with grpc.insecure_channel(f"127.0.0.1:{limited.port}") as channel:
        services = ProtoReflectionDescriptorDatabase(channel).get_services()
    assert {
        "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService",
        "grpc.health.v1.Health",
    } <= set(services)


def test_what_is_not_offered(limited):
    with grpc.insecure_channel(f"127.0.0.1:{limited.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for method, request in (
            (stub.Classify, classification_pb2.ClassificationRequest()),
            (stub.Regress, regression_pb2.RegressionRequest()),
            (stub.MultiInference, inference_pb2.MultiInferenceRequest()),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                method(request, timeout=PATIENCE)
            assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    response = httpx.post(f"{rest(limited)}/v1/models/types:classify", content=b"{}")
    assert response.status_code == 501


class TestLimits:
    def test_rows(self, limited):
        response = post(limited, {"instances": [[0, 0]] * 9})
        assert response.status_code == 429
        assert response.json() == {"error": "The request has 9 rows; the limit is 8."}
        assert post(limited, {"instances": [[0, 0]] * 8}).status_code == 200
        with (
            Client(f"grpc://127.0.0.1:{limited.port}", model="types") as client,
            pytest.raises(errors.ResourceExhausted),
        ):
            client._transport.send(_predict(np.zeros((9, 2), np.float32)), PATIENCE)

    def test_the_client_asks_for_fewer_rows(self, limited):
        for url in (rest(limited), f"grpc://127.0.0.1:{limited.port}"):
            with Client(url, model="mlp", batch_size=64) as client:
                assert client.generate(20).shape == (20, 6, 6, 1)

    def test_body(self, limited):
        response = post(limited, b" " * 20_001)
        assert response.status_code == 429
        assert response.json() == {"error": "The request is larger than 20000 bytes."}

        def chunks():
            for _ in range(30):
                yield b" " * 1000

        assert post_stream(limited, chunks()).status_code == 429

    def test_gzip_bomb(self, limited):
        bomb = gzip.compress(b" " * 50_000_000)
        response = post(limited, bomb[:20_000], headers={"content-encoding": "gzip"})
        assert response.status_code == 429
        for bad in (b"no gzip", gzip.compress(b"{}")[:-4]):
            response = post(limited, bad, headers={"content-encoding": "gzip"})
            assert response.status_code == 400

    def test_what_follows_packed_data_counts(self, limited):
        def chunks():
            yield gzip.compress(b"{}")
            for _ in range(30):
                yield bytes(1000)

        headers = {"content-encoding": "gzip"}
        assert post_stream(limited, chunks(), headers).status_code == 429
        more = gzip.compress(b"{}") + bytes(10)
        assert post(limited, more, headers=headers).status_code == 400

    def test_grpc_message(self, limited):
        with grpc.insecure_channel(f"127.0.0.1:{limited.port}") as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            request = predict_pb2.PredictRequest()
            request.model_spec.name = "x" * 30_000
            with pytest.raises(grpc.RpcError) as caught:
                stub.Predict(request, timeout=PATIENCE)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    def test_a_huge_declared_shape(self, limited):
        with grpc.insecure_channel(f"127.0.0.1:{limited.port}") as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            request = predict_pb2.PredictRequest()
            request.model_spec.name = "types"
            tensor = request.inputs["z"]
            tensor.dtype = 1
            for size in (1 << 30, 1 << 30):
                tensor.tensor_shape.dim.add(size=size)
            tensor.float_val.append(1)
            with pytest.raises(grpc.RpcError) as caught:
                stub.Predict(request, timeout=PATIENCE)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    def test_calls_beyond_the_limit_are_told_so(self, limited):
        """More than gRPC itself lets wait; it would end some unanswered, as CANCELLED."""

        async def ask():
            stub_of = prediction_service_pb2_grpc.PredictionServiceStub
            request = predict_pb2.PredictRequest()
            request.model_spec.name = "types"
            request.inputs["z"].CopyFrom(tensors.to_proto(np.zeros((1, 2), np.float32)))
            async with grpc.aio.insecure_channel(f"127.0.0.1:{limited.port}") as channel:
                calls = [stub_of(channel).Predict(request, timeout=PATIENCE) for _ in range(2500)]
                return {await call.code() for call in calls}

        codes = asyncio.run(ask())
        assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}

    def test_a_slow_body(self, impatient):
        with connect(impatient) as connection:
            connection.sendall(
                b"POST /v1/models/types:predict HTTP/1.1\r\nhost: localhost\r\n"
                b"content-length: 100\r\n\r\n{"
            )
            answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 504")

    @pytest.mark.parametrize("answers", [0, 1])
    def test_a_silent_connection_is_closed(self, impatient, answers):
        with connect(impatient) as connection:
            for _ in range(answers):
                connection.sendall(b"GET /v1/models/mlp HTTP/1.1\r\nhost: localhost\r\n\r\n")
                answer = http.client.HTTPResponse(connection)
                answer.begin()
                assert (answer.status, answer.read()[:1]) == (200, b"{")
            connection.sendall(b"GET /v1/mod")
            assert connection.recv(10) == b""

    def test_an_answer_that_is_not_read(self, impatient):
        text = "x" * 6_000_000  # the answer is more than the system buffers between the two ends
        body = json.dumps({"signature_name": "strings", "inputs": [text]}).encode()
        head = (
            b"POST /v1/models/types:predict HTTP/1.1\r\nhost: localhost\r\n"
            b"content-length: %d\r\n\r\n"
        )
        connections = impatient._rest.server_state.connections
        wait_for(lambda: not connections)
        with connect(impatient) as idle:
            idle.sendall(head % len(body) + body)
            assert idle.recv(1) == b"H"
            assert len(connections) == 1
            wait_for(lambda: not connections)
        with connect(impatient) as slow:
            slow.sendall(head % len(body) + body)
            answer = bytearray(slow.recv(1))
            started = time.monotonic()
            while piece := slow.recv(1 << 14):
                answer += piece
                time.sleep(0.005)
            assert time.monotonic() - started > 1.5  # longer than an idle connection lives
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["outputs"]["copy"] == [text]

    def test_connections(self, limited):
        connections = limited._rest.server_state.connections
        with contextlib.ExitStack() as opened:
            for count in range(1, 7):
                opened.enter_context(connect(limited))
                wait_for(lambda count=count: len(connections) >= count)
            with connect(limited) as one_more:
                assert one_more.recv(100).startswith(b"HTTP/1.1 503")
        wait_for(lambda: httpx.get(f"{rest(limited)}/v1/models/mlp").status_code == 200)


def connect(server):
    return socket.create_connection(("127.0.0.1", server.rest_api_port), PATIENCE)


def _predict(array):
    return Predict(Target("types"), "", {"z": array})


def post_stream(server, chunks, headers=None):
    url = f"{rest(server)}/v1/models/types:predict"
    return httpx.post(url, content=chunks, headers=headers, timeout=PATIENCE)


@pytest.fixture(scope="module")
def tls_files(tmp_path_factory):
    directory, authority = tmp_path_factory.mktemp("keys"), trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    for name in ("server", "client"):
        pair = authority.issue_cert("localhost", "127.0.0.1")
        pair.cert_chain_pems[0].write_to_path(str(directory / f"{name}.pem"))
        pair.private_key_pem.write_to_path(str(directory / f"{name}.key"))
    trustme.CA().cert_pem.write_to_path(str(directory / "stranger.pem"))
    return directory


@pytest.fixture(scope="module", params=[False, True], ids=["tls", "mutual"])
def tls_server(request, contract_base, tls_files):
    keys = read_keys(
        tls_files / "server.pem",
        tls_files / "server.key",
        tls_files / "ca.pem" if request.param else None,
    )
    with running(settings(contract_base, "mlp", keys=keys)) as server:
        server.mutual = request.param
        yield server


@pytest.fixture(params=["grpcs", "https"])
def tls_url(request, tls_server):
    port = tls_server.port if request.param == "grpcs" else tls_server.rest_api_port
    return f"{request.param}://localhost:{port}"


class TestTls:
    def ask(self, url, keys):
        with Client(url, model="mlp", keys=keys, retries=0, timeout=PATIENCE) as client:
            return client.generate(2).shape

    def test_with_the_right_keys(self, tls_url, tls_files):
        keys = ClientKeys(tls_files / "ca.pem", tls_files / "client.pem", tls_files / "client.key")
        assert self.ask(tls_url, keys) == (2, 6, 6, 1)

    def test_without_a_client_certificate(self, tls_server, tls_url, tls_files):
        if tls_server.mutual:
            with pytest.raises(errors.Unavailable):
                self.ask(tls_url, ClientKeys(tls_files / "ca.pem"))
        else:
            assert self.ask(tls_url, ClientKeys(str(tls_files / "ca.pem"))) == (2, 6, 6, 1)

    def test_a_server_signed_by_another_authority(self, tls_url, tls_files):
        with pytest.raises(errors.Unavailable):
            self.ask(tls_url, ClientKeys(tls_files / "stranger.pem"))

    def test_plain_text_is_refused(self, tls_server):
        with pytest.raises(errors.Unavailable):
            self.ask(f"grpc://localhost:{tls_server.port}", None)
        with pytest.raises(errors.Unavailable):
            self.ask(f"http://localhost:{tls_server.rest_api_port}", None)


def test_an_ipv6_address(contract_base):
    host = "::ffff:127.0.0.1"  # one that a machine without IPv6 has too
    with running(settings(contract_base, "mlp", host=host)) as server:
        for url in (f"grpc://[{host}]:{server.port}", f"http://[{host}]:{server.rest_api_port}"):
            with Client(url, model="mlp", retries=0) as client:
                assert client.generate(2).shape == (2, 6, 6, 1)


class TestBatching:
    def test_answers_do_not_depend_on_it(self, contract_base, address):
        batching = Batching(max_batch_size=16, batch_timeout_micros=2000, num_batch_threads=2)
        latents = np.random.default_rng(0).uniform(-1, 1, (40, 4)).astype(np.float32)
        with Client(address.rest, model="mlp") as client:
            expected = client.images(latents)

        async def ask(server):
            async with AsyncClient(f"grpc://127.0.0.1:{server.port}", model="mlp") as client:
                return await asyncio.gather(*(client.images(row[None]) for row in latents))

        with running(settings(contract_base, batching=batching)) as server:
            answers = np.concatenate(asyncio.run(ask(server)))
            np.testing.assert_allclose(answers, expected, atol=1e-6)
            response = post(server, {"instances": [[0, 0]] * 17})
        assert response.status_code == 400
        assert "Task size 17 is larger than maximum input batch size 16" in response.text


class TestPagesFromElsewhere:
    BODY = '{"instances": [[0, 1]]}'

    def post(self, server, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{rest(server)}/v1/models/types:predict"
        return httpx.post(url, content=self.BODY, headers=headers, timeout=PATIENCE)

    @pytest.mark.parametrize(
        "host",
        ["localhost:8501", "LOCALHOST", "127.0.0.1:1", "[::1]:8501", "x.localhost", "10.1.2.3"],
    )
    def test_hosts_that_no_name_server_decides_on(self, host, limited):
        assert self.post(limited, host=host).status_code == 200

    @pytest.mark.parametrize("host", ["rebound.example", "localhost.example:8501", "[::1", "", "x"])
    def test_other_hosts(self, host, limited):
        """A page whose name leads to this machine reads nothing and runs nothing."""
        response = self.post(limited, host=host)
        assert response.status_code == 403
        assert "--allowed_hosts" in response.json()["error"]
        for path in ("/v1/models/types", "/", "/explorer/catalog.json", "/nothing"):
            answer = httpx.get(f"{rest(limited)}{path}", headers={"host": host}, timeout=PATIENCE)
            assert answer.status_code == 403

    def test_allowed_hosts(self, contract_base):
        served = settings(contract_base, "types", port=None, allowed_hosts={"models.example"})
        with running(served) as server:
            assert self.post(server, host="Models.Example.:80").status_code == 200
            assert self.post(server, host="example").status_code == 403

    def test_without_a_host(self, limited):
        with connect(limited) as connection:
            connection.sendall(b"GET /v1/models/types HTTP/1.0\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")

    @pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1:1"])
    def test_a_page_of_another_origin_may_send_json_only(self, origin, limited):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            response = self.post(limited, origin=origin, content_type=kind)
            assert response.status_code == 403
            assert "JSON" in response.json()["error"]
        # A browser asks before it sends this, and is not told that it may.
        kind = "application/json; charset=utf-8"
        response = self.post(limited, origin=origin, content_type=kind)
        assert response.status_code == 200
        question = {"origin": origin, "access-control-request-method": "POST"}
        url = f"{rest(limited)}/v1/models/types:predict"
        answer = httpx.options(url, headers=question)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert not [name for name in response.headers if name.startswith("access-control")]

    def test_the_server_s_own_page_and_other_programs_send_any_type(self, limited):
        for kind in ("text/plain", "image/png"):
            assert self.post(limited, content_type=kind).status_code == 200
            own = rest(limited)
            assert self.post(limited, content_type=kind, origin=own).status_code == 200


class TestPaths:
    def test_a_reload_cannot_leave_the_directories_given_at_the_start(
        self, contract_base, limited, tmp_path
    ):
        serving_models.save(serving_models.Types(1), tmp_path / "1")
        (contract_base / "link").symlink_to(tmp_path)
        outside = [tmp_path, contract_base / ".." / tmp_path.name, contract_base / "link", "/etc"]
        with grpc.insecure_channel(f"127.0.0.1:{limited.port}") as channel:
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
            for path in outside:
                request = model_management_pb2.ReloadConfigRequest()
                request.config.model_config_list.config.add(
                    name="x", base_path=str(path), model_platform="tensorflow"
                )
                with pytest.raises(grpc.RpcError) as caught:
                    stub.HandleReloadConfigRequest(request, timeout=PATIENCE)
                assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
            request.config.model_config_list.config[0].base_path = f"{contract_base}\0/x"
            with pytest.raises(grpc.RpcError) as caught:
                stub.HandleReloadConfigRequest(request, timeout=PATIENCE)
            assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        (contract_base / "link").unlink()

    @pytest.mark.parametrize(
        "name", ["../types", "..%2Ftypes", "%2e%2e%2ftypes", "%2Fetc", "mlp%00", "mlp%2F1"]
    )
    def test_names_are_no_paths(self, limited, name):
        for path in (f"/v1/models/{name}", f"/v1/models/{name}/metadata"):
            with connect(limited) as connection:
                connection.sendall(
                    f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode()
                )
                answer = connection.recv(4096)
            assert answer.split()[1] in (b"400", b"404")


@pytest.mark.parametrize(
    ("http", "names"),
    [
        (400, "INVALID_ARGUMENT FAILED_PRECONDITION OUT_OF_RANGE"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (409, "ALREADY_EXISTS ABORTED"),
        (429, "RESOURCE_EXHAUSTED"),
        (499, "CANCELLED"),
        (500, "UNKNOWN INTERNAL DATA_LOSS"),
        (501, "UNIMPLEMENTED"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ],
)
def test_http_statuses_of_the_protocol(http, names):
    same_status = {
        error.code.name for error in errors.ServingError.__subclasses__() if error.http == http
    }
    assert same_status == set(names.split())


@pytest.fixture(scope="module")
def described(contract_base, tmp_path_factory):
    """A server of two models, and the folder with the description of the second."""
    types = tmp_path_factory.mktemp("described") / "types"
    shutil.copytree(contract_base / "types", types)
    served = settings(contract_base, "mlp", port=None)
    models = (*served.models, ModelConfig("types", types))
    with running(replace(served, models=models)) as server:
        yield server, types / "7" / "assets.extra"


def _link(folder, secret):
    folder.mkdir()
    (folder / "metadata.json").symlink_to(secret / "metadata.json")


def _link_of_the_folder(folder, secret):
    folder.symlink_to(secret)


def _pipe(folder, secret):
    folder.mkdir()
    os.mkfifo(folder / "metadata.json")


def _text(content):
    def write(folder, secret):
        folder.mkdir()
        (folder / "metadata.json").write_bytes(content)

    return write


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (_text(b'{"nll": [NaN, -Infinity, 1e999, 0.5]}'), {"nll": [None, None, None, 0.5]}),
        (_text(rb'{"name": "\ud800"}'), {"name": "\ud800"}),  # half of a pair
        (_text(b'{"name": "\xff"}'), None),
        (_text(b"[" * 5000), None),
        (_text(b'{"x": ' * 60 + b"1" + b"}" * 60), None),
        (_text(b'{"x": "' + b"1" * (1 << 20) + b'"}'), None),
        (_link, None),
        (_link_of_the_folder, None),
        (_pipe, None),
    ],
    ids=["numbers", "surrogate", "bytes", "broken", "deep", "large", "link", "folder", "pipe"],
)
def test_metadata_that_cannot_be_shown_hide_no_other_model(write, expected, described, tmp_path):
    """What is wrong here came after the version was loaded: else it would not be served."""
    server, folder = described
    (tmp_path / "metadata.json").write_text('{"secret": 1}')
    write(folder, tmp_path)
    try:
        answer = httpx.get(f"{rest(server)}/explorer/catalog.json", timeout=PATIENCE)
    finally:
        folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)
    mlp, types = answer.json()
    assert mlp["labels"] == {"stable": "1", "canary": "2"}
    assert mlp["versions"][0]["metadata"]["recipe"] == "a test's generator"
    assert types["versions"][0]["metadata"] == expected
