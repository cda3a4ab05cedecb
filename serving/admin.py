"""What scripts ask of a running server, embedded or real: its status, and a new configuration."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import grpc
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

from serving import errors
from serving.calls import Status, Target, VersionStatus
from serving.config import ModelConfig
from serving.grpc_transport import GrpcTransport
from serving.production import model_message

_SECONDS = 60  # for one call


class Admin:
    """A connection to a server's model service.

    Args:
        address: host:port of its gRPC interface.
    """

    def __init__(self, address: str) -> None:
        # A server that is starting should be found within half a second.
        channel = grpc.insecure_channel(address, [("grpc.max_reconnect_backoff_ms", 500)])
        self._transport = GrpcTransport(channel)
        self._reload = model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest

    def states(self, model: str) -> dict[int, VersionStatus]:
        """The state of each version of a model; raises ServingError."""
        entries = self._transport.send(Status(Target(model)), _SECONDS)
        return {entry.version: entry for entry in entries}

    def reload(self, models: Sequence[ModelConfig]) -> None:
        """Replaces the whole configuration; raises ServingError."""
        request = model_management_pb2.ReloadConfigRequest(config=model_message(models))
        try:
            self._reload(request, timeout=_SECONDS)
        except grpc.RpcError as error:
            raise errors.from_code(error.code(), error.details()) from None

    def wait_until_available(self, model: str, versions: Sequence[int], seconds: float) -> None:
        """Waits for versions of a model; if none is given, for any.

        Raises:
            FailedPrecondition: A version did not load.
            DeadlineExceeded: Not in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                states = self.states(model)
            except (errors.Unavailable, errors.NotFound):  # not listening yet, or nothing seen yet
                states = {}
            for version in set(versions) & set(states):
                if states[version].state == "END" and states[version].error:
                    text = states[version].error
                    raise errors.FailedPrecondition(f"{model} version {version}: {text}")
            available = {v for v, status in states.items() if status.state == "AVAILABLE"}
            if available and available.issuperset(versions):
                return
            if time.monotonic() > deadline:
                raise errors.DeadlineExceeded(f"{model}: not available within {seconds:g} seconds")
            time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()
