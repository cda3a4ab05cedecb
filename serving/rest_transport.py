"""Calls over REST, by httpx. Needs no TensorFlow."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np

from serving import errors
from serving.calls import (
    Call,
    Metadata,
    ModelMetadata,
    Predict,
    Status,
    Target,
    TensorSpec,
    VersionStatus,
)


class RestTransport:
    """Sends calls by a synchronous httpx client, whose base URL is the server's."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def send(self, call: Call, timeout: float) -> Any:
        """Makes a call and returns its answer; raises ServingError."""
        deadline, content = time.monotonic() + timeout, bytearray()
        with (
            _typed_errors(),
            self._client.stream(timeout=timeout, **_encode(call)) as response,
        ):
            for part in response.iter_bytes():  # httpx limits the time for each part
                content += part
                if time.monotonic() > deadline:
                    raise TimeoutError
        return _decode(call, response.status_code, content)

    def close(self) -> Any:
        """Closes the connections."""
        return self._client.close()


class AsyncRestTransport(RestTransport):
    """Sends calls by an asyncio httpx client."""

    async def send(self, call: Call, timeout: float) -> Any:
        with _typed_errors():
            async with asyncio.timeout(timeout):
                response = await self._client.request(timeout=timeout, **_encode(call))
        return _decode(call, response.status_code, response.content)

    def close(self) -> Any:
        return self._client.aclose()


def _encode(call: Call) -> dict[str, Any]:
    path = _path(call.target)
    match call:
        case Predict():
            inputs = {alias: _to_json(array) for alias, array in call.inputs.items()}
            content = json.dumps({"signature_name": call.signature, "inputs": inputs})
            return {"method": "POST", "url": f"{path}:predict", "content": content}
        case Metadata():
            return {"method": "GET", "url": f"{path}/metadata"}
        case Status():
            return {"method": "GET", "url": path}


def _path(target: Target) -> str:
    path = f"/v1/models/{quote(target.model, safe='')}"
    if target.version is not None:
        return f"{path}/versions/{target.version}"
    return f"{path}/labels/{quote(target.label, safe='')}" if target.label is not None else path


def _decode(call: Call, status: int, content: bytes | bytearray) -> object:
    try:  # a string output comes as it is, UTF-8 or not
        body = json.loads(content.decode("utf-8", "surrogateescape"))
    except ValueError:
        body = {}
    if status != 200:
        text = body.get("error") if isinstance(body, dict) else None
        if not (text and isinstance(text, str)):
            text = f"HTTP status {status}"
        raise errors.from_http(status, text)
    try:
        return _answer(call, body)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise errors.Unknown(
            "The answer is not TensorFlow Serving's; is another server at this address?"
        ) from None


def _answer(call: Call, body: Any) -> object:
    match call:
        case Predict():
            outputs = body["outputs"]
            if not isinstance(outputs, Mapping) or outputs.keys() == {"b64"}:
                outputs = {"": outputs}  # a single output comes without its name
            return {alias: _from_json(value) for alias, value in outputs.items()}
        case Metadata():
            return _metadata(body)
        case Status():
            return [
                VersionStatus(
                    int(entry["version"]), entry["state"], entry["status"]["error_message"]
                )
                for entry in body["model_version_status"]
            ]


def _metadata(body: dict) -> ModelMetadata:
    spec = body["model_spec"]
    signatures = body["metadata"]["signature_def"]["signature_def"]

    def specs(side: str) -> dict[str, dict[str, TensorSpec]]:
        return {
            name: {
                alias: TensorSpec(
                    info["dtype"],
                    tuple(int(dim["size"]) for dim in info["tensor_shape"].get("dim", [])),
                )
                for alias, info in signature.get(side, {}).items()
            }
            for name, signature in signatures.items()
            if not name.startswith("__")
        }

    return ModelMetadata(spec["name"], int(spec["version"]), specs("inputs"), specs("outputs"))


def _to_json(array: np.ndarray) -> object:
    return (_base64(array) if array.dtype == object else array).tolist()


def _from_json(value: Any) -> np.ndarray:
    leaf = value
    while isinstance(leaf, list):
        leaf = leaf[0] if leaf else 0.0
    if isinstance(leaf, Mapping | str):
        return _string(np.array(value, object))
    return np.array(value)


@np.vectorize(otypes=[object])
def _base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


@np.vectorize(otypes=[object])
def _string(value: Any) -> bytes:
    if isinstance(value, Mapping):
        return base64.b64decode(value["b64"])
    return value.encode("utf-8", "surrogateescape")


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except (httpx.TimeoutException, TimeoutError) as error:
        raise errors.DeadlineExceeded("No answer within the time allowed.") from error
    except httpx.HTTPError as error:
        text = f"No connection to the server: {error or type(error).__name__}"
        raise errors.Unavailable(text) from error
