"""TensorFlow Serving's REST interface as an ASGI application."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Awaitable, Collection
from urllib.parse import unquote

from google.protobuf import json_format
from google.protobuf.message import Message
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from tensorflow_serving.apis import get_model_metadata_pb2

from serving import browsers
from serving.calls import MAX_VERSION, Target
from serving.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidArgument,
    PermissionDenied,
    ResourceExhausted,
    ServingError,
    Unavailable,
    Unimplemented,
)
from serving.execution import Arrays
from serving.grpc_services import SIGNATURE_DEF, model_metadata, model_status
from serving.loader import DEFAULT_SIGNATURE
from serving.predict import Prediction, Predictor, SignatureDef
from serving.rest_json import error_body, parse, to_json

_MODEL = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_PREDICT = re.compile(rf"{_MODEL}:(classify|regress|predict)", re.IGNORECASE | re.ASCII)
_STATUS = re.compile(rf"{_MODEL}(/metadata)?", re.IGNORECASE | re.ASCII)
_MODELS = re.compile(r"/v1/models", re.IGNORECASE)
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")


def build_app(
    predictor: Predictor,
    *,
    timeout_seconds: float,
    metrics_path: str | None,
    allowed_hosts: Collection[str],
    more_routes: tuple[BaseRoute, ...],
) -> Starlette:
    """Builds the application."""
    rest = _Rest(predictor, timeout_seconds)
    routes: list[BaseRoute] = []
    if metrics_path is not None:  # which may lie beneath /v1

        async def metrics(request: Request) -> Response:
            return Response(predictor.metrics.page(), media_type="text/plain")

        routes.append(Route(metrics_path, metrics))
    routes += [Route(f"/{v}1/{{path:path}}", rest) for v in "vV"]
    app = Starlette(
        routes=[*routes, *more_routes],
        exception_handlers={404: _not_found, 405: _not_found},
        middleware=[Middleware(_Guarded, allowed_hosts=allowed_hosts)],
    )
    app.router.redirect_slashes = False
    return app


async def _not_found(request: Request, error: Exception | None) -> Response:
    return _page(404, "Not Found")


def _page(status: int, text: str) -> Response:
    return HTMLResponse(
        f"<!doctype html><html><head><title>{status} {text}</title></head>"
        f"<body><h1>{text}</h1></body></html>",
        status,
    )


class _Guarded:
    """An application that answers no request of a page from elsewhere."""

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str]) -> None:
        self._app, self._allowed_hosts = app, allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        try:
            browsers.check(scope["method"], Headers(scope=scope), self._allowed_hosts)
        except PermissionDenied as error:
            answer = _error(error, close=True)
        await answer(scope, receive, send)


class _Rest:
    """The protocol as an ASGI application, so that it sees requests of any method."""

    def __init__(self, predictor: Predictor, timeout_seconds: float) -> None:
        self._predictor = predictor
        self._limits = predictor.limits
        self._timeout = timeout_seconds
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1")
        if request.url.query:  # the protocol takes it as part of the path
            path = f"{path}?{request.url.query}"
        if request.method == "OPTIONS":
            return HTMLResponse()
        if request.method not in _METHODS:
            return _page(501, "Not Implemented")
        self._running += 1
        busy = self._running > self._limits.max_concurrent
        try:
            if busy:
                raise Unavailable("The server is busy: too many requests at a time.")
            api, target, work = self._route(request, path)
            body = await self._predictor.answer(api, "REST", target.model, self._in_time(work))
            return Response(body, media_type="application/json")
        except ServingError as error:
            # The unread rest of a refused request would be read as the next request.
            return _error(error, busy or isinstance(error, ResourceExhausted | DeadlineExceeded))
        finally:
            self._running -= 1

    async def _in_time(self, work: Awaitable[bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except TimeoutError:
            raise DeadlineExceeded(f"No answer within {self._timeout:g} seconds.") from None

    def _route(self, request: Request, path: str) -> tuple[str, Target, Awaitable[bytes]]:
        if request.method == "POST" and (match := _PREDICT.fullmatch(path)):
            target, method = _target(*match.groups()[:3]), match[4].lower()
            if method != "predict":
                raise Unimplemented(f"This server answers predict only, not {method}.")
            return "Predict", target, self._predict(request, target)
        if request.method == "GET" and (match := _STATUS.fullmatch(path)):
            target = _target(*match.groups()[:3])
            if match[4]:
                return "GetModelMetadata", target, self._metadata(target)
            return "GetModelStatus", target, self._status(target)
        if request.method == "GET" and _MODELS.fullmatch(path):
            raise InvalidArgument("Missing model name in request.")
        raise InvalidArgument(f"Malformed request: {request.method} {path}")

    async def _predict(self, request: Request, target: Target) -> bytes:
        body = await self._body(request)
        # The model is looked up after the body is parsed, as the protocol's errors have it.
        parsed = parse(body)
        self._predictor.check_rows(parsed.rows)

        def read_inputs(signature: SignatureDef | None) -> Arrays:
            if signature is None:
                name = parsed.signature_name or DEFAULT_SIGNATURE
                raise InvalidArgument(
                    f'Serving signature name: "{name}" not found in signature def'
                )
            if not signature.inputs:
                name = parsed.signature_name or "DEFAULT"
                raise InvalidArgument(f"Failed to get input map for signature: {name}")
            return parsed.inputs(signature.inputs)

        work = self._predictor.predict(target, parsed.signature_name, read_inputs)
        prediction = await _while_connected(request, work)
        return to_json(prediction.outputs, by_rows=parsed.by_rows)

    async def _status(self, target: Target) -> bytes:
        return _print(model_status(self._predictor.manager, target)).encode()

    async def _metadata(self, target: Target) -> bytes:
        response = model_metadata(self._predictor, target)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[SIGNATURE_DEF].Unpack(signatures)
        spec = _print(response.model_spec)
        return (
            f'{{\n"model_spec":{spec},\n"metadata": {{"signature_def": {_print(signatures)}}}\n}}\n'
        ).encode()

    async def _body(self, request: Request) -> bytes:
        limit = self._limits.max_request_bytes
        too_large = ResourceExhausted(f"The request is larger than {limit} bytes.")
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            raise too_large
        gzip = request.headers.get("content-encoding", "").lower() == "gzip"
        inflate = zlib.decompressobj(wbits=31) if gzip else None
        body, received = bytearray(), 0
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                async for chunk in request.stream():
                    received += len(chunk)  # also what follows the end of the packed data
                    # No more than one byte beyond the limit is ever unpacked.
                    body += inflate.decompress(chunk, limit + 1 - len(body)) if inflate else chunk
                    if max(received, len(body)) > limit:
                        raise too_large
        except TimeoutError:
            raise DeadlineExceeded(
                f"The request did not arrive within {self._limits.body_seconds:g} seconds."
            ) from None
        except zlib.error:
            raise InvalidArgument("The request's body is not in gzip format.") from None
        except ClientDisconnect:
            raise Cancelled("The client closed the connection.") from None
        if inflate and (not inflate.eof or inflate.unused_data):
            raise InvalidArgument("The request's body is not in gzip format.")
        return bytes(body)


async def _while_connected(request: Request, work: Awaitable[Prediction]) -> Prediction:
    """Awaits `work`, and cancels it if the client goes away."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Cancelled("The client closed the connection.")
        return working.result()
    finally:
        working.cancel()
        watching.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _target(name: str, version: str | None, label: str | None) -> Target:
    if version and (len(version) > len(str(MAX_VERSION)) or int(version) > MAX_VERSION):
        raise InvalidArgument(f"Failed to convert version: {version} to numeric.")
    number = int(version) if version else None
    return Target(unquote(name), number, unquote(label) if label else None)


def _error(error: ServingError, close: bool) -> Response:
    headers = {"connection": "close"} if close else None
    return Response(error_body(error.message), error.http, headers, media_type="application/json")


def _print(message: Message) -> str:
    return json_format.MessageToJson(
        message,
        indent=1,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
