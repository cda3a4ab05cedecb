"""The client: images from a generator behind TensorFlow Serving's protocol.

    from serving import Client

    with Client("grpc://localhost:8500", model="digits") as client:
        images = client.generate(64, seed=0)        # float32 [64, h, w, c] in [0, 1]

`AsyncClient` has the same methods as coroutines. `keras-gan serve client` saves a grid.
"""

from __future__ import annotations

import asyncio
import numbers
import operator
import ssl
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import grpc
import numpy as np
from numpy.typing import ArrayLike

from serving import calls
from serving.calls import Arrays, Call, ModelMetadata, Target
from serving.errors import FailedPrecondition, InvalidArgument, UsageError
from serving.tensor_specs import answer_without_rows, fitting, typed

_LONGEST = 1e9  # seconds
GENERATE, SAMPLE, PNG = "serving_default", "sample", "png"
# A batch of images may be larger than gRPC's limit of 4 MiB for an answer. A server that comes back
# is found within a second: the client's own pauses between attempts are longer.
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


@dataclass(frozen=True)
class ClientKeys:
    """Files in PEM format for `grpcs://` and `https://`.

    Args:
        authority: Who must have signed the server's certificate; None for the system's list.
        certificate: The client's own certificate, where the server asks for one.
        key: The key of that certificate.
    """

    authority: str | Path | None = None
    certificate: str | Path | None = None
    key: str | Path | None = None

    def __post_init__(self) -> None:
        """Checks that a certificate has its key: gRPC would end the process."""
        if (self.certificate is None) != (self.key is None):
            raise UsageError("the client's certificate and its key are needed together")


class _Client:
    """The base of both clients; `_run` runs a coroutine, or leaves that to the caller."""

    _asynchronous: bool

    def __init__(
        self,
        url: str = "",
        *,
        model: str,
        version: int | None = None,
        label: str | None = None,
        batch_size: int = 64,
        timeout: float = 60.0,
        retries: int = 5,
        keys: ClientKeys | None = None,
        transport: Any = None,
    ) -> None:
        if version is not None and label is not None:
            raise ValueError(
                f"version and label exclude each other. Received: {version}, {label!r}"
            )
        if version is not None:
            version = _whole("version", version, 0)
        self._target = Target(model, version, label)
        self._batch_size = _whole("batch_size", batch_size, 1)
        self._timeout, self._retries = _seconds(timeout), _whole("retries", retries, 0)
        self._metadata: ModelMetadata | None = None  # the last seen: another version may serve now
        self._transport = transport or _connect(
            url, keys or ClientKeys(), asynchronous=self._asynchronous
        )

    def generate(self, n: int, seed: int = 0, **inputs: ArrayLike) -> Any:
        """Draws images: row i depends on `seed` and i alone, on either server and in any batch.

        Args:
            n: How many.
            seed: Any integer.
            **inputs: Further inputs of the `sample` signature (a condition, for example): n rows
                each, or one number for all rows.

        Returns:
            float32 [n, h, w, c] in [0, 1].

        Raises:
            ValueError: An input has another number of rows.
            ServingError: The server refused, or could not be reached within the timeout.
        """
        return self._run(self._generate(n, seed, inputs))

    def images(self, latents: ArrayLike, **inputs: ArrayLike) -> Any:
        """Turns latents, float32 [n, d], into images, float32 [n, h, w, c] in [0, 1]."""
        return self._run(self._from_latents(GENERATE, latents, inputs))

    def png(self, latents: ArrayLike, **inputs: ArrayLike) -> Any:
        """Turns latents, float32 [n, d], into a list of n PNG files (bytes)."""
        return self._run(self._png(latents, inputs))

    def predict(self, signature: str = GENERATE, **inputs: ArrayLike) -> Any:
        """Runs any signature on rows; returns all its outputs, alias to array."""
        return self._run(self._predict(signature, inputs))

    def status(self) -> Any:
        """The state of the model's versions, the newest first: a list of `VersionStatus`."""
        return self._run(self._ask(calls.Status(self._target)))

    def metadata(self) -> Any:
        """The version that answers, and its signatures: a `ModelMetadata`."""
        return self._run(self._ask(calls.Metadata(self._target)))

    def _run(self, coroutine: Coroutine) -> Any:
        raise NotImplementedError

    async def _send(self, call: Call, timeout: float) -> Any:
        raise NotImplementedError

    async def _wait(self, seconds: float) -> None:
        raise NotImplementedError

    def _ask(self, call: Call) -> Coroutine:
        return calls.attempts(self._send, self._wait, call, self._timeout, self._retries)

    async def _predict_rows(
        self, signature: str, inputs: Arrays, batch_size: int | None = None
    ) -> Arrays:
        arrays, metadata = await self._fitting(signature, inputs)
        if signature in metadata.outputs and next(iter(arrays.values())).shape[:1] == (0,):
            return answer_without_rows(metadata, signature)
        outputs = await calls.predict_rows(self._ask, self._target, signature, arrays, batch_size)
        return typed(outputs, metadata, signature)

    async def _fitting(self, signature: str, inputs: Arrays) -> tuple[Arrays, ModelMetadata]:
        """The inputs as the signature has them, which is asked for once, and before a refusal."""
        if self._metadata is not None:
            with suppress(InvalidArgument):
                return fitting(inputs, self._metadata, signature), self._metadata
        self._metadata = await self._ask(calls.Metadata(self._target))
        return fitting(inputs, self._metadata, signature), self._metadata

    async def _generate(self, n: int, seed: int, inputs: Mapping[str, ArrayLike]) -> np.ndarray:
        n = _whole("n", n, 1)
        arrays = {"seed": calls.row_seeds(seed, n), **_rows(n, inputs)}
        outputs = await self._predict_rows(SAMPLE, arrays, self._batch_size)
        # Generators of points name their output "examples".
        examples = outputs.get("images", outputs.get("examples"))
        if examples is None:
            raise FailedPrecondition(
                f'The signature "{SAMPLE}" of {self._target.model} gives {sorted(outputs)}, not '
                "images."
            )
        return examples

    async def _from_latents(
        self, signature: str, latents: ArrayLike, inputs: Mapping[str, ArrayLike]
    ) -> np.ndarray:
        latents = np.asarray(latents)
        if latents.ndim != 2:
            raise ValueError(f"latents must have shape [n, d]. Received: {list(latents.shape)}")
        arrays = {"latents": latents, **_rows(len(latents), inputs)}
        outputs = await self._predict_rows(signature, arrays, self._batch_size)
        return next(iter(outputs.values()))

    async def _png(self, latents: ArrayLike, inputs: Mapping[str, ArrayLike]) -> list[bytes]:
        return (await self._from_latents(PNG, latents, inputs)).tolist()

    async def _predict(self, signature: str, inputs: Mapping[str, ArrayLike]) -> Arrays:
        if not inputs:
            raise ValueError("predict needs the signature's inputs, as keywords")
        arrays = {alias: np.asarray(array) for alias, array in inputs.items()}
        return await self._predict_rows(signature, arrays)


class Client(_Client):
    """A client for blocking code.

    Args:
        url: `grpc://host:port`, `grpcs://...`, `http://...` or `https://...`.
        model: The model's name.
        version: Its version; None for the latest.
        label: The label of its version, instead of the version.
        batch_size: How many rows to send at a time.
        timeout: Seconds for each batch, further attempts included; at most 1e9.
        retries: How often a call that found the server unavailable is made again.
        keys: Keys for TLS.
        transport: Sends the calls, instead of a connection to the URL.
    """

    _asynchronous = False

    def _run(self, coroutine: Coroutine) -> Any:
        try:
            coroutine.send(None)
        except StopIteration as finished:  # always: nothing in it suspends
            return finished.value

    async def _send(self, call: Call, timeout: float) -> Any:
        return self._transport.send(call, timeout)

    async def _wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        """Closes the connection."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncClient(_Client):
    """A client for asyncio: the arguments and the methods of `Client`, as coroutines."""

    _asynchronous = True

    def _run(self, coroutine: Coroutine) -> Any:
        return coroutine

    async def _send(self, call: Call, timeout: float) -> Any:
        return await self._transport.send(call, timeout)

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Closes the connection."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


def _whole(name: str, value: int, least: int) -> int:
    """An argument as an int; ValueError for a fraction, and below `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number. Received: {value!r}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}. Received: {value}")
    return number


def _seconds(timeout: float) -> float:
    """A time that gRPC and httpx can wait; beyond, gRPC ends a call at once."""
    if not (isinstance(timeout, numbers.Real) and 0 <= timeout <= _LONGEST):
        raise ValueError(f"timeout must be seconds from 0 to {_LONGEST:g}. Received: {timeout!r}")
    return float(timeout)


def _rows(n: int, inputs: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
    """Inputs as arrays of n rows; a single number is repeated for all rows."""
    arrays = {alias: np.asarray(given) for alias, given in inputs.items()}
    for alias, array in arrays.items():
        if not array.ndim:
            arrays[alias] = np.full(n, array)
        elif len(array) != n:
            raise ValueError(f"{alias} must have {n} rows. Received: shape {list(array.shape)}")
    return arrays


def _connect(url: str, keys: ClientKeys, *, asynchronous: bool) -> Any:
    """A transport to the server at a URL, for blocking code or for asyncio."""
    scheme, address = _split(url)
    tls = None
    if scheme in ("grpcs", "https"):
        tls = _tls(keys)
    elif keys != ClientKeys():
        raise UsageError(f"keys are for grpcs:// and https://. Received: {url!r}")
    if scheme in ("http", "https"):
        import httpx

        from serving.rest_transport import AsyncRestTransport, RestTransport

        if asynchronous:
            return AsyncRestTransport(httpx.AsyncClient(base_url=url, verify=tls or False))
        return RestTransport(httpx.Client(base_url=url, verify=tls or False))
    from serving.grpc_transport import AsyncGrpcTransport, GrpcTransport

    library, transport = (grpc.aio, AsyncGrpcTransport) if asynchronous else (grpc, GrpcTransport)
    if tls:
        files = (keys.authority, keys.key, keys.certificate)
        credentials = grpc.ssl_channel_credentials(*(f and Path(f).read_bytes() for f in files))
        return transport(library.secure_channel(address, credentials, _OPTIONS))
    return transport(library.insecure_channel(address, _OPTIONS))


def _tls(keys: ClientKeys) -> ssl.SSLContext:
    """The TLS context of a client with these keys; UsageError for files that cannot be used."""
    files = str(keys.authority)
    try:
        context = ssl.create_default_context(cafile=keys.authority)
        if keys.certificate is not None:
            files = f"{keys.certificate} with {keys.key}"
            context.load_cert_chain(keys.certificate, keys.key, password="")  # else it asks
    except OSError as error:  # also ssl.SSLError; of a file in another format, it names no file
        reason = getattr(error, "reason", None) or error.strerror
        raise UsageError(
            f"{files}: no keys in PEM format, without a passphrase, can be read there ({reason})"
        ) from None
    return context


def _split(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")  # as a name server is asked for it
        usable = bool(host) and parts.port != 0 and url.isprintable()
    except ValueError:  # no such name, no number as port, or half of an IPv6 address's brackets
        usable = False
    if not usable or parts.scheme not in ("grpc", "grpcs", "http", "https"):
        raise UsageError(
            f"{url!r} is not a server's address: grpc://host:port, grpcs://..., http://... or "
            "https://... is expected"
        )
    return parts.scheme, parts.netloc
