"""The client over both protocols, and its retries over a scripted transport."""

from __future__ import annotations

import asyncio
import io
import re
import time
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from PIL import Image
from serving_running import PATIENCE

from serving import AsyncClient, Client, ClientKeys, UsageError, errors
from serving.calls import Metadata, ModelMetadata, Predict, Target, TensorSpec, row_seeds
from serving.grid import main, save_grid
from serving.grpc_transport import typed_errors
from serving.rest_transport import AsyncRestTransport, RestTransport
from serving.tls import read_keys


@pytest.fixture(params=["grpc", "rest"])
def url(request, address):
    return f"grpc://{address.grpc}" if request.param == "grpc" else address.rest


def test_row_seeds_are_splitmix64():
    # The published test values of SplitMix64, state 1234567.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    expected += [4593380528125082431, 16408922859458223821]
    assert row_seeds(1234567, 5).astype(np.uint64).tolist() == expected
    np.testing.assert_array_equal(row_seeds(-1, 4), row_seeds(2**64 - 1, 4))
    np.testing.assert_array_equal(row_seeds(7, 10)[:3], row_seeds(7, 3))
    for seed in (np.int32(7), np.uint64(7), np.array(7)):
        np.testing.assert_array_equal(row_seeds(seed, 3), row_seeds(7, 3))
    with pytest.raises(TypeError, match="float"):
        row_seeds(7.0, 3)


def test_a_certificate_without_its_key():
    for keys in ({"key": Path("key.pem")}, {"certificate": Path("certificate.pem")}):
        with pytest.raises(errors.UsageError, match="certificate and its key are needed together"):
            ClientKeys(**keys)


def test_keys_that_cannot_be_used(tmp_path):
    (text := tmp_path / "text.pem").write_text("no certificate")
    absent = tmp_path / "absent.pem"
    for url in ("grpcs://x:1", "https://x:1"):
        for keys in (ClientKeys(text), ClientKeys(absent), ClientKeys(None, text, absent)):
            with pytest.raises(UsageError, match=r"(text|absent)\.pem: no keys in PEM format"):
                Client(url, model="m", keys=keys)
    for url in ("grpc://x:1", "http://x:1"):
        with pytest.raises(UsageError, match=f"keys are for grpcs:// and https://.*{url}"):
            Client(url, model="m", keys=ClientKeys(text))


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked(tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    issued = trustme.CA().issue_cert("x")
    issued.cert_chain_pems[0].write_to_path(certificate)
    plain = load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = BestAvailableEncryption(b"word")
    key.write_bytes(plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    with pytest.raises(UsageError, match=r"key\.pem: no keys in PEM format, without a pass"):
        Client("grpcs://x:1", model="m", keys=ClientKeys(None, certificate, key))
    with pytest.raises(UsageError, match=r"its key \(without a passphrase\) in PEM format"):
        read_keys(certificate, key, None)


def test_an_input_that_the_model_does_not_have(url):
    with Client(url, model="mlp") as client:
        for inputs in ({"condition": 3}, {"seeds": 3}):
            with pytest.raises(errors.InvalidArgument, match="sample has no input"):
                client.generate(2, **inputs)
        with pytest.raises(errors.InvalidArgument, match="inputs are latents"):
            client.predict(z=np.zeros((0, 4), np.float32))


def test_generate(url):
    with Client(url, model="mlp", batch_size=5) as client:
        images = client.generate(12, seed=3)
        assert images.shape == (12, 6, 6, 1)
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images[:4], client.generate(4, seed=3))
        assert not np.array_equal(images, client.generate(12, seed=4))
        sample = client.predict("sample", seed=row_seeds(3, 12))
        np.testing.assert_allclose(sample["images"], images, atol=1e-6)
        np.testing.assert_allclose(client.images(sample["latents"]), images, atol=1e-6)


def test_png_agrees_with_images(url):
    latents = np.random.default_rng(0).uniform(-1, 1, (3, 4)).astype(np.float32)
    with Client(url, model="mlp") as client:
        files, images = client.png(latents), client.images(latents)
    for file, image in zip(files, images, strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(file)))
        np.testing.assert_array_equal(pixels, np.rint(image[..., 0] * 255))


def test_both_protocols_give_the_same_numbers(address):
    with Client(f"grpc://{address.grpc}", model="mlp", label="canary") as client:
        by_grpc = client.generate(8)
    with Client(address.rest, model="mlp", version=2) as client:
        by_rest = client.generate(8)
    np.testing.assert_array_equal(by_grpc, by_rest)


def test_predict_names_every_output(url):
    with Client(url, model="types") as client:
        assert set(client.predict(z=np.zeros((1, 2), np.float32))) == {"y"}
        outputs = client.predict("pair", a=np.float32([1]), b=np.float32([2]))
        assert {alias: array.tolist() for alias, array in outputs.items()} == {
            "sum": [3.0],
            "product": [2.0],
        }
        strings = client.predict("strings", text=np.array([b"\xff\x00", b"a"], object))
        assert strings["copy_bytes"].tolist() == [b"\xff\x00", b"a"]


def test_a_condition(url):
    with Client(url, model="sketch", batch_size=3) as client:
        classes = np.array([2, 0, 1, 2, 1])
        images = client.generate(5, seed=3, condition=classes)
        # Row i depends on its seed and its class alone.
        for number in range(3):
            alike = client.generate(5, seed=3, condition=number)
            rows = classes == number
            np.testing.assert_allclose(images[rows], alike[rows], atol=1e-6)
            assert (np.abs(images[~rows] - alike[~rows]).max(axis=(1, 2, 3)) > 0.1).all()
        latents = client.predict("encode", images=images)["latents"]
        made = client.images(latents, condition=classes.tolist())
        expected = client.predict(latents=latents, condition=classes)["images"]
        np.testing.assert_allclose(made, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "Missing .*condition"),
        ({"condition": [[0], [1]]}, r"condition must have shape \[n\]. Received: \[2, 1\]"),
        ({"condition": [0.0, 1.0]}, "condition must hold numbers of type int64. Received: float64"),
        ({"condition": [0, 3]}, r"condition must be classes from 0 to 2. Received: 3 at row 1"),
        ({"condition": [-1, 0]}, r"condition must be classes from 0 to 2. Received: -1 at row 0"),
    ],
)
def test_bad_conditions(url, inputs, message):
    with Client(url, model="sketch") as client:
        with pytest.raises(errors.InvalidArgument, match=message):
            client.generate(2, **inputs)
        assert client.generate(2, condition=0).shape == (2, 6, 6, 1)


def test_status_and_metadata(url):
    with Client(url, model="mlp", label="stable") as client:
        states = {entry.version: entry.state for entry in client.status()}
        assert states[1] == states[2] == "AVAILABLE"
        metadata = client.metadata()
    assert metadata.version == 1
    assert metadata.inputs["serving_default"]["latents"].shape == (-1, 4)
    assert metadata.outputs["png"]["image_bytes"].dtype == "DT_STRING"


def test_typed_errors(url):
    with Client(url, model="nope") as client, pytest.raises(errors.NotFound, match=r"Latest\(nope"):
        client.generate(1)
    with Client(url, model="mlp") as client, pytest.raises(errors.InvalidArgument, match="latents"):
        client.images(np.zeros((1, 9)))


def test_asyncio(url):
    async def many():
        async with AsyncClient(url, model="mlp", batch_size=3) as client:
            parts = await asyncio.gather(*(client.generate(4, seed) for seed in range(8)))
            status, metadata = await client.status(), await client.metadata()
            files = await client.png(np.zeros((1, 4)))
            outputs = await client.predict("sample", seed=np.int64([1]))
        return parts, status, metadata, files, outputs

    parts, status, metadata, files, outputs = asyncio.run(many())
    with Client(url, model="mlp") as client:
        for seed, images in enumerate(parts):
            np.testing.assert_allclose(images, client.generate(4, seed), atol=1e-6)
        assert status == client.status()
        assert metadata == client.metadata()
    assert files[0].startswith(b"\x89PNG")
    assert set(outputs) == {"images", "latents"}


def test_both_protocols_take_and_give_the_same_types(url):
    with Client(url, model="types") as client:
        for dtype in ("float64", "int32", "uint8", "bool"):
            values = np.array([0, 1], dtype) / 3 if dtype == "float64" else np.array([0, 1], dtype)
            echoed = client.predict(f"echo_{dtype}", x=values)["y"]
            assert echoed.dtype == values.dtype
            np.testing.assert_array_equal(echoed, values)
        for text in (["a", "é"], np.array([b"a", "é".encode()]), np.array(["a", "é"], object)):
            copies = client.predict("strings", text=text)
            assert copies["copy"].tolist() == copies["copy_bytes"].tolist() == [b"a", "é".encode()]
        assert client.predict("joined", text=["a", "b"])["joined"].tolist() == b"ab"
        with pytest.raises(errors.InvalidArgument, match="text must hold strings"):
            client.predict("strings", text=[1.0])


NO_SIGNATURES = ModelMetadata("m", 1, {}, {})  # nothing to compare inputs with


class Scripted:
    """A transport that fails as told, then doubles its input.

    More rows than `limit` it refuses with `refusal`.
    """

    def __init__(self, *failures, limit=10**9, refusal=None):
        self.failures, self.limit, self.refusal, self.calls = list(failures), limit, refusal, []

    def send(self, call, timeout):
        if isinstance(call, Metadata):
            return NO_SIGNATURES
        assert isinstance(call, Predict)
        self.calls.append((len(call.inputs["latents"]), timeout))
        if self.failures:
            raise self.failures.pop(0)
        if len(call.inputs["latents"]) > self.limit:
            raise self.refusal
        return {"images": call.inputs["latents"] * 2}

    def close(self):
        pass


def scripted(transport, **arguments):
    return Client(model="m", transport=transport, **arguments)


class Described:
    """A transport of a model with these signatures, which keeps what it is sent."""

    def __init__(self, latent=4):
        self.latent, self.asked, self.sent = latent, 0, []

    def send(self, call, timeout):
        if isinstance(call, Metadata):
            self.asked += 1
            rows = {"latents": TensorSpec("DT_FLOAT", (-1, self.latent))}
            inputs = {
                "serving_default": rows | {"condition": TensorSpec("DT_INT64", (-1,))},
                "png": rows,
                "total": {"x": TensorSpec("DT_UINT8", (-1, -1))},
            }
            outputs = {
                "serving_default": {"images": TensorSpec("DT_FLOAT", (-1, 6, 5, 1))},
                "png": {"image_bytes": TensorSpec("DT_STRING", (-1,))},
                "total": {"total": TensorSpec("DT_FLOAT", ())},
                "classes": {"one_hot": TensorSpec("DT_FLOAT", (-1, 10))},
            }
            return ModelMetadata("m", 1, inputs, outputs)
        self.sent.append(call.inputs)
        return {"images": next(iter(call.inputs.values()))}

    def close(self):
        pass


@pytest.mark.parametrize(
    ("signature", "inputs", "words"),
    [
        ("png", {"latents": np.zeros((2, 5))}, r"latents must have shape \[n, 4\]. .* \[2, 5\]"),
        ("png", {"latents": np.zeros(4)}, r"latents must have shape \[n, 4\]. .* \[4\]"),
        ("png", {"latents": np.full((1, 4), "a")}, "numbers of type float32. Received: <U1"),
        ("png", {"latents": [[0, 0, 1e39, 0]]}, r"float32. Received: float64, with 1e\+39"),
        ("serving_default", {"latents": np.zeros((2, 4)), "condition": [1]}, "number of rows"),
        ("serving_default", {"condition": [1, 10]}, "classes from 0 to 9. Received: 10 at row 1"),
        ("serving_default", {"condition": [-1]}, "classes from 0 to 9. Received: -1 at row 0"),
        ("serving_default", {"condition": [True]}, None),
        ("total", {"x": [[1, 256]]}, "x must hold numbers of type uint8. Received: int64"),
        ("total", {"x": [1]}, r"x must have shape \[n, any\]. Received: \[1\]"),
        ("total", {"x": np.zeros((0, 3), int)}, "total needs at least one row: its output total"),
        ("unknown", {"y": ["any"]}, None),
    ],
)
def test_what_does_not_fit_the_signature_is_not_sent(signature, inputs, words):
    transport = Described()
    client = scripted(transport)
    if words is None:
        client.predict(signature, **inputs)
        assert len(transport.sent) == 1
        return
    with pytest.raises(errors.InvalidArgument, match=words):
        client.predict(signature, **inputs)
    assert transport.sent == []


def test_numbers_are_sent_in_the_signature_s_type():
    transport = Described()
    scripted(transport).predict(latents=[[1, 2, 3, 4]], condition=np.int8([3]))
    (sent,) = transport.sent
    assert (sent["latents"].dtype, sent["condition"].dtype) == (np.float32, np.int64)
    client = scripted(transport)
    for call in (client.images, client.png):
        for latents in ([["1"] * 4], [[1j] * 4], [[None] * 4]):
            with pytest.raises(errors.InvalidArgument, match="numbers of type float32"):
                call(latents)
    bfloat16 = tf.ones((1, 4), tf.bfloat16)
    np.testing.assert_array_equal(client.images(bfloat16, condition=0), np.ones((1, 4), np.float32))


def test_a_new_version_may_have_another_signature():
    transport = Described()
    client = scripted(transport)
    client.images(np.zeros((1, 4)), condition=0)
    client.images(np.zeros((1, 4)), condition=0)
    assert transport.asked == 1
    transport.latent = 7
    client.images(np.zeros((1, 7)), condition=0)
    assert transport.asked == 2
    with pytest.raises(errors.InvalidArgument):
        client.images(np.zeros((1, 4)), condition=0)


def test_no_rows_are_answered_without_the_server():
    """There, a request without rows waits until another joins its batch."""
    transport = Described()
    client = scripted(transport)
    images = client.images(np.zeros((0, 4)), condition=np.zeros(0, int))
    assert (images.shape, images.dtype) == ((0, 6, 5, 1), np.float32)
    assert client.png(np.zeros((0, 4))) == []
    assert transport.sent == []


def test_no_rows_over_both_protocols(url):
    with Client(url, model="mlp") as client:
        assert client.images(np.zeros((0, 4))).shape == (0, 6, 6, 1)
        outputs = client.predict("sample", seed=np.zeros(0, int))
        assert {k: v.shape for k, v in outputs.items()} == {
            "images": (0, 6, 6, 1),
            "latents": (0, 4),
        }


def test_a_server_without_a_free_thread_is_busy():
    class Refusal(grpc.RpcError):
        def code(self):
            return grpc.StatusCode.RESOURCE_EXHAUSTED

        def details(self):
            return self.args[0]

    for text, expected in (
        ("Server Threadpool Exhausted", errors.Unavailable),
        ("Concurrent RPC limit exceeded!", errors.Unavailable),
        ("The request has 11 rows; the limit is 3.", errors.ResourceExhausted),
    ):
        with pytest.raises(expected, match=re.escape(text)), typed_errors():
            raise Refusal(text)


def test_only_unavailable_is_tried_again():
    transport = Scripted(errors.Unavailable("full"), errors.Unavailable("full"))
    assert scripted(transport).images(np.ones((1, 2))).tolist() == [[2, 2]]
    assert len(transport.calls) == 3
    for refusal in (
        errors.InvalidArgument,
        errors.DeadlineExceeded,
        errors.Internal,
        errors.ResourceExhausted,
    ):
        transport = Scripted(refusal("no"))
        with pytest.raises(refusal):
            scripted(transport).images(np.ones((2, 2)))
        assert len(transport.calls) == 1


def test_attempts_end():
    transport = Scripted(*[errors.Unavailable("full")] * 9)
    with pytest.raises(errors.Unavailable):
        scripted(transport, retries=2).images(np.ones((1, 2)))
    assert len(transport.calls) == 3
    transport = Scripted(*[errors.Unavailable("full")] * 99)
    with pytest.raises(errors.Unavailable):
        scripted(transport, retries=99, timeout=0.5).images(np.ones((1, 2)))
    timeouts = [timeout for _, timeout in transport.calls]
    assert timeouts == sorted(timeouts, reverse=True)
    assert 0.5 >= timeouts[0] > timeouts[-1] > 0


@pytest.mark.parametrize(
    "refusal",
    [
        errors.InvalidArgument("Task size 11 is larger than maximum input batch size 3"),
        errors.ResourceExhausted("The request has 11 rows; the limit is 3."),
        errors.ResourceExhausted("The request is larger than 20 bytes."),
        errors.ResourceExhausted("SERVER: Received message larger than max (30 vs. 20)"),
        errors.ResourceExhausted("OOM when allocating tensor with shape[11,2]"),
    ],
    ids=str,
)
def test_batches_shrink_to_what_the_server_takes(refusal):
    transport = Scripted(limit=3, refusal=refusal)
    latents = np.arange(22, dtype=np.float32).reshape(11, 2)
    np.testing.assert_array_equal(scripted(transport).images(latents), latents * 2)
    assert [rows for rows, _ in transport.calls] == [11, 6, 3, 3, 3, 2]


class Rolling:
    """A server whose version, which it answers, is the next after so many answers."""

    def __init__(self, *answers):
        self.left = list(answers)

    def send(self, call, timeout):
        version = 9 - len(self.left)
        if isinstance(call, Metadata):
            return ModelMetadata("m", version, {}, {})
        if call.target.version not in (None, version):
            raise errors.NotFound(f"Specific(m, {call.target.version})")
        if self.left:
            self.left[0] -= 1
            self.left = self.left if self.left[0] else self.left[1:]
        return {"images": np.full(len(call.inputs["latents"]), version)}

    def close(self):
        pass


@pytest.mark.parametrize("target", [{}, {"label": "stable"}])
def test_one_version_answers_all_batches(target):
    client = scripted(Rolling(2, 1), batch_size=2, **target)
    assert client.images(np.ones((7, 1))).tolist() == [9] * 7
    client = scripted(Rolling(2), batch_size=2, version=8)
    with pytest.raises(errors.NotFound, match="8"):  # that was asked for
        client.images(np.ones((7, 1)))
    client = scripted(Rolling(1, 1))
    assert [client.images(np.ones((1, 1))).item() for _ in range(3)] == [7, 8, 9]


def test_a_version_that_was_unloaded_is_not_asked_again():
    """Servers behind one address may have different versions."""

    class Others(Rolling):
        asked = 0

        def send(self, call, timeout):
            if isinstance(call, Metadata):
                self.asked += 1
                return ModelMetadata("m", self.asked % 2, {}, {})
            raise errors.NotFound("Specific")

    with pytest.raises(errors.NotFound):
        scripted(Others(), batch_size=1).images(np.ones((2, 1)))


class Constant:
    """A transport whose answer is always the same."""

    def __init__(self, **outputs):
        self.outputs = outputs

    def send(self, call, timeout):
        return NO_SIGNATURES if isinstance(call, Metadata) else self.outputs

    def close(self):
        pass


def test_points_are_called_examples():
    points, latents = np.ones((3, 2), np.float32), np.zeros((3, 5), np.float32)
    client = scripted(Constant(examples=points, latents=latents))
    np.testing.assert_array_equal(client.generate(3), points)


def test_a_single_number_is_the_server_s_to_answer(url):
    with Client(url, model="mlp") as client:
        with pytest.raises(errors.InvalidArgument, match="latents"):
            client.predict(z=1.0)
        with pytest.raises(errors.ServingError, match='"nope" not found'):
            client.predict("nope", z=1.0)


def test_a_signature_that_gives_no_samples():
    client = scripted(Constant(logits=np.ones(3), latents=np.ones((3, 5))))
    with pytest.raises(errors.FailedPrecondition, match="logits"):
        client.generate(3)


def test_bad_arguments():
    bad = ("ftp://x", "http://x:abc", "grpc://x:65536", "http://:8501", "http://[::1")
    for url in (*bad, "http://x..y", f"http://{'x' * 64}", "http://x\x01", "http://\ud800"):
        with pytest.raises(UsageError, match=re.escape(repr(url))):
            Client(url, model="m")
    with pytest.raises(ValueError, match="exclude"):
        scripted(Scripted(), version=1, label="stable")
    with pytest.raises(ValueError, match=r"\[n, d\]"):
        scripted(Scripted()).images(np.ones(3))
    with pytest.raises(ValueError, match="at least 1"):
        scripted(Scripted()).generate(0)
    for words, bad in {
        "n must be a whole number. Received: 2.5": lambda: scripted(Scripted()).generate(2.5),
        "batch_size must be at least 1": lambda: scripted(Scripted(), batch_size=0),
        "batch_size must be a whole number": lambda: scripted(Scripted(), batch_size=2.5),
        "retries must be at least 0": lambda: scripted(Scripted(), retries=-1),
        "timeout must be seconds from 0 to 1e.09. Received: inf": lambda: scripted(
            Scripted(), timeout=float("inf")
        ),
        "Received: nan": lambda: scripted(Scripted(), timeout=float("nan")),
        "Received: None": lambda: scripted(Scripted(), timeout=None),
        "version must be a whole number. Received: '1'": lambda: scripted(Scripted(), version="1"),
    }.items():
        with pytest.raises(ValueError, match=words):
            bad()
    with pytest.raises(ValueError, match="predict needs the signature's inputs"):
        scripted(Scripted()).predict()


def test_inputs_of_other_lengths():
    for call in (
        lambda client: client.generate(3, condition=[0, 1]),
        lambda client: client.images(np.ones((3, 2)), condition=[0, 1]),
    ):
        with pytest.raises(ValueError, match=r"condition must have 3 rows. Received: shape \[2\]"):
            call(scripted(Scripted()))


def test_nobody_listens():
    with (
        Client("http://127.0.0.1:9", model="m", retries=1) as client,
        pytest.raises(errors.Unavailable),
    ):
        client.status()


@pytest.mark.parametrize(
    "text",
    [
        "<html>",
        "[]",
        '{"outputs": [[0], {}]}',
        '{"outputs": [[0], 1]}',
        '{"outputs": [["a"], "b"]}',
    ],
)
def test_another_server_s_answer(text):
    web = httpx.Client(
        base_url="http://x",
        transport=httpx.MockTransport(lambda request: httpx.Response(200, text=text)),
    )
    transport = RestTransport(web)
    client = scripted(transport)
    for ask in (
        lambda: client.predict(x=[0.0]),
        client.status,
        client.metadata,
        lambda: transport.send(Predict(Target("m"), "", {}), PATIENCE),  # without its metadata
    ):
        with pytest.raises(errors.Unknown, match="is another server at this address"):
            ask()


def test_an_answer_that_comes_slowly():
    """Each of its parts is in time."""

    def parts():
        for _ in range(50):
            time.sleep(0.02)
            yield b" "

    async def later():
        for _ in range(50):
            await asyncio.sleep(0.02)
            yield b" "

    async def ask():
        slow = httpx.MockTransport(lambda request: httpx.Response(200, content=later()))
        web = httpx.AsyncClient(base_url="http://x", transport=slow)
        client = AsyncClient(model="m", timeout=0.1, transport=AsyncRestTransport(web))
        await client.status()

    slow = httpx.MockTransport(lambda request: httpx.Response(200, content=parts()))
    web = httpx.Client(base_url="http://x", transport=slow)
    with pytest.raises(errors.DeadlineExceeded):
        scripted(RestTransport(web), timeout=0.1).status()
    with pytest.raises(errors.DeadlineExceeded):
        asyncio.run(ask())


def test_grid(tmp_path):
    images = np.stack([np.full((2, 3, 3), value, np.float32) for value in (0, 0.5, 1)])
    save_grid(tmp_path / "grid.png", images)
    with Image.open(tmp_path / "grid.png") as grid:
        pixels = np.asarray(grid)
    assert pixels.shape == (5, 7, 3)
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[0, 4].tolist() == [128, 128, 128]
    assert pixels[2, 0].tolist() == [255, 255, 255]
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]
    for shape in ((4, 2), (4, 8, 8, 2)):
        with pytest.raises(ValueError, match="a grid shows images"):
            save_grid(tmp_path / "none.png", np.zeros(shape, np.float32))
    (tmp_path / "directory").mkdir()
    with pytest.raises(UsageError, match=r"directory: cannot be written \(Is a directory\)"):
        save_grid(tmp_path / "directory", images)
    assert {path.name for path in tmp_path.iterdir()} == {"grid.png", "directory"}


def test_command(url, tmp_path, capsys):
    output = tmp_path / "samples.png"
    assert main([url, "--model=mlp", "--count=9", "--output", str(output)]) == 0
    with Image.open(output) as grid:
        assert grid.size == (3 * 7 - 1, 3 * 7 - 1)
    of_classes = [url, "--model=sketch", "--count=9", "--output", str(output)]
    assert main([*of_classes, "--condition", "0", "1", "2"]) == 0
    with Image.open(output) as grid, Client(url, model="sketch") as client:
        expected = client.generate(9, condition=[0, 1, 2] * 3)
        assert np.asarray(grid)[:6, :6].tolist() == np.rint(255 * expected[0, ..., 0]).tolist()
    assert main([url, "--model=nope", "--output", str(output)]) == 1
    assert main(["nowhere", "--model=mlp"]) == 2
    assert main([*of_classes, "--condition", "3"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("Servable not found for request: Latest(nope)")
    assert "'nowhere'" in lines[1]
    assert "condition must be classes from 0 to 2" in lines[2]
    assert len(lines) == 3
