"""The embedded server: both protocols on one event loop, from the start to a graceful stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import grpc
import uvicorn
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tensorflow_serving.apis import (
    model_service_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.config import ModelConfig, read_model_config_file
from serving.errors import ServingError, UsageError
from serving.execution import BatchingExecutor, DirectExecutor
from serving.explorer import explorer_routes
from serving.grpc_services import ModelService, PredictionService, UnreadableRequests
from serving.loader import Servable
from serving.manager import Manager
from serving.metrics import Metrics
from serving.predict import Predictor
from serving.rest import build_app
from serving.rest_json import error_body
from serving.settings import Limits, Settings

_MANY = (1 << 31) - 1
_logger = logging.getLogger(__name__)
_SERVICES = (
    prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"].full_name,
    model_service_pb2.DESCRIPTOR.services_by_name["ModelService"].full_name,
)


class Server:
    """One embedded server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.port: int | None = None
        self.rest_api_port: int | None = None
        load = partial(
            Servable,
            intra_op_threads=settings.tensorflow_intra_op_parallelism,
            inter_op_threads=settings.tensorflow_inter_op_parallelism,
        )
        self.manager = Manager(
            load,
            settings.file_system_poll_wait_seconds,
            settings.allow_version_labels_for_unavailable_models,
        )
        self._grpc: grpc.aio.Server | None = None
        self._health = health.aio.HealthServicer()
        self._rest: _Uvicorn | None = None
        self._rest_task: asyncio.Task | None = None
        self._executor = (
            BatchingExecutor(settings.batching)
            if settings.batching
            else DirectExecutor(settings.threads, settings.limits.max_concurrent)
        )
        self._following: asyncio.Task | None = None

    async def start(self) -> None:
        """Opens the ports, loads the models and starts to answer."""
        settings = self.settings
        predictor = Predictor(self.manager, self._executor, settings.limits, Metrics())
        rest_socket = None
        try:  # the ports first: an error there should not come after a long load
            if settings.rest_api_port is not None:
                rest_socket = _listen(settings.host, settings.rest_api_port, "rest_api_port")
                self.rest_api_port = rest_socket.getsockname()[1]
            if settings.port is not None:
                self._build_grpc(predictor, settings.port)
            await asyncio.to_thread(self.manager.start, settings.models)
        except BaseException:
            if rest_socket is not None:
                rest_socket.close()
            if self._grpc is not None:
                await self._grpc.stop(None)
            self._executor.close()
            raise
        if self._grpc is not None:
            await self._grpc.start()
            for service in ("", *_SERVICES):
                await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        if rest_socket is not None:
            self._start_rest(predictor, rest_socket)
        config_file = settings.model_config_file
        if config_file is not None and settings.model_config_file_poll_wait_seconds:
            self._following = asyncio.create_task(
                self._follow_config_file(config_file, list(settings.models))
            )
        _logger.info("serving", extra={"grpc_port": self.port, "rest_api_port": self.rest_api_port})

    def _build_grpc(self, predictor: Predictor, port: int) -> None:
        settings, limits = self.settings, self.settings.limits
        self._grpc = grpc.aio.server(
            interceptors=(UnreadableRequests(),),
            options=[
                ("grpc.so_reuseport", 0),  # or a second server would share the port unnoticed
                ("grpc.max_receive_message_length", limits.max_request_bytes),
                ("grpc.max_send_message_length", -1),
                # Beyond these numbers of waiting calls, gRPC ends some as CANCELLED, unanswered.
                ("grpc.server.max_pending_requests", _MANY),
                ("grpc.server.max_pending_requests_hard_limit", _MANY),
            ],
            maximum_concurrent_rpcs=limits.max_concurrent,
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(predictor), self._grpc
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(predictor, settings.roots), self._grpc
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        reflection.enable_server_reflection(
            (*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._grpc
        )
        _listen(settings.host, port, "port").close()  # gRPC's own error is not clear
        host = f"[{settings.host}]" if ":" in settings.host else settings.host  # IPv6
        address = f"{host}:{port}"
        try:
            if settings.keys is None:
                self.port = self._grpc.add_insecure_port(address)
            else:
                self.port = self._grpc.add_secure_port(address, settings.keys.grpc_credentials())
        except RuntimeError:
            raise UsageError(
                f"--port={port}: {settings.host} cannot be listened on there; is it in use?"
            ) from None

    def _start_rest(self, predictor: Predictor, rest_socket: socket.socket) -> None:
        settings = self.settings
        app = build_app(
            predictor,
            timeout_seconds=settings.rest_api_timeout_in_ms / 1000,
            metrics_path=settings.metrics_path,
            allowed_hosts={settings.host.lower(), *settings.allowed_hosts},
            more_routes=explorer_routes(self.manager),
        )
        config = uvicorn.Config(
            app,
            http=_protocol(settings.limits),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=max(1, round(settings.grace_seconds)),
            timeout_keep_alive=math.ceil(settings.limits.body_seconds),
        )
        config.load()
        if settings.keys is not None:
            config.ssl = settings.keys.ssl_context()
        self._rest = _Uvicorn(config)
        self._rest_task = asyncio.create_task(self._rest.serve([rest_socket]))

    async def _follow_config_file(self, path: Path, known: list[ModelConfig]) -> None:
        refusal = ""
        while True:
            await asyncio.sleep(self.settings.model_config_file_poll_wait_seconds)
            try:
                models = read_model_config_file(path)
                if models != known:
                    await asyncio.to_thread(self.manager.reload, models)
                    _logger.info("configuration reloaded", extra={"path": str(path)})
                known, refusal = models, ""
            except (UsageError, ServingError) as error:
                # Tried again at each look: a label's version may be there later. Logged once.
                if str(error) != refusal:
                    refusal = str(error)
                    _logger.error("configuration not reloaded", extra={"error": refusal})

    async def stop(self) -> None:
        """Refuses new requests, answers accepted ones within the grace period, and frees memory."""
        _logger.info("stopping")
        if self._following is not None:
            self._following.cancel()
        if self._grpc is not None:
            await self._health.enter_graceful_shutdown()
        if self._rest is not None:
            self._rest.should_exit = True
        ending = [self._rest_task] if self._rest_task else []
        if self._grpc is not None:
            ending.append(asyncio.ensure_future(self._grpc.stop(self.settings.grace_seconds)))
        await asyncio.gather(*ending)
        await asyncio.to_thread(self._executor.close)
        await asyncio.to_thread(self.manager.stop)
        _logger.info("stopped")

    async def run(self) -> None:
        """Starts, and serves until SIGTERM or SIGINT, after which no further version is loaded."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, ended.set)
        starting, waiting = asyncio.create_task(self.start()), asyncio.create_task(ended.wait())
        await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            self.manager.give_up()
        try:
            await starting
        except ServingError:
            if not ended.is_set():
                raise
            _logger.info("stopped")
            return
        await waiting
        await self.stop()


class _Uvicorn(uvicorn.Server):
    """Uvicorn without its signal handlers: `Server` has them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _protocol(limits: Limits) -> type[H11Protocol]:
    """HTTP/1.1 by h11, which bounds headers, with bounds on connections and on idleness.

    A connection is closed when no request has arrived `body_seconds` after the last answer, or when
    the client has read nothing of an answer for that time.
    """
    body = error_body("Too many open connections.")
    refusal = (
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
        b"connection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    )

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._watch = self.loop.call_later(limits.body_seconds, self._look)
            self._unread = 0
            if len(self.connections) > limits.max_connections:
                transport.write(refusal)
                transport.close()

        def _look_later(self) -> None:
            self._watch.cancel()
            self._watch = self.loop.call_later(limits.body_seconds, self._look)
            self._unread = self.transport.get_write_buffer_size()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look_later()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._look_later()

        def _look(self) -> None:
            unread, closing = self.transport.get_write_buffer_size(), self.transport.is_closing()
            # Closing waits until the peer has read everything, which it may never do.
            if unread >= self._unread and (self._unread or closing):
                self.transport.abort()
                return
            if not unread and (self.cycle is None or self.cycle.response_complete):
                self.transport.close()
            self._look_later()

        def connection_lost(self, exc: Exception | None) -> None:
            self._watch.cancel()
            super().connection_lost(exc)

    return Protocol


def _listen(host: str, port: int, flag: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, the protocol lets asyncio turn Nagle's delay off.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # Listening reserves the port; connections wait until the models are loaded.
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise UsageError(
            f"--{flag}={port}: {host} cannot be listened on there ({error.strerror})"
        ) from None
    listening.setblocking(False)
    return listening
