"""What scripts ask of a running server, embedded or real: its status, and a new configuration."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)

from serving import errors
from serving.config import ModelConfig
from serving.production import model_message

_STATES = get_model_status_pb2.ModelVersionStatus.State


class Admin:
    """A connection to a server's model service.

    Args:
        address: host:port of its gRPC interface.
    """

    def __init__(self, address: str) -> None:
        # A server that is starting should be found within half a second.
        self._channel = grpc.insecure_channel(address, [("grpc.max_reconnect_backoff_ms", 500)])
        self._stub = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def states(self, model: str) -> dict[int, tuple[str, str]]:
        """Version to state and error text of a model's versions; raises ServingError."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model
        response = self._call(self._stub.GetModelStatus, request)
        return {
            entry.version: (_STATES.Name(entry.state), entry.status.error_message)
            for entry in response.model_version_status
        }

    def reload(self, models: Sequence[ModelConfig]) -> None:
        """Replaces the whole configuration; raises ServingError."""
        request = model_management_pb2.ReloadConfigRequest(config=model_message(models))
        self._call(self._stub.HandleReloadConfigRequest, request)

    def wait_until_available(self, model: str, versions: Sequence[int], seconds: float) -> None:
        """Waits for versions of a model; with none named, for any.

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
            for version in versions:
                state, text = states.get(version, ("", ""))
                if state == "END" and text:
                    raise errors.FailedPrecondition(f"{model} version {version}: {text}")
            available = {version for version, (state, _) in states.items() if state == "AVAILABLE"}
            if available and available.issuperset(versions):
                return
            if time.monotonic() > deadline:
                raise errors.DeadlineExceeded(f"{model}: not available within {seconds:g} seconds")
            time.sleep(0.1)

    @staticmethod
    def _call(method: grpc.UnaryUnaryMultiCallable, request: object) -> Any:
        try:
            return method(request, timeout=60)
        except grpc.RpcError as error:
            raise errors.from_code(error.code(), error.details()) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()
