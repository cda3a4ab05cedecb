"""Calls over gRPC, by grpcio and the protocol's stubs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving import errors, tensors
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

_MAX_ANSWER_BYTES = 1 << 31
# A server that is busy says so with RESOURCE_EXHAUSTED, in Python's and in C++'s words.
_BUSY = ("Concurrent RPC limit exceeded!", "Server Threadpool Exhausted")


class GrpcTransport:
    """Sends calls over a channel, which is closed with the transport."""

    def __init__(self, channel: grpc.Channel | grpc.aio.Channel) -> None:
        self._channel = channel
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._model = model_service_pb2_grpc.ModelServiceStub(channel)

    def close(self) -> Any:
        """Closes the channel; an asyncio channel's result is awaited."""
        return self._channel.close()

    def send(self, call: Call, timeout: float) -> Any:
        """Makes a call and returns its answer; raises ServingError."""
        method, request = self._encode(call)
        with typed_errors():
            return _decode(method(request, timeout=timeout))

    def _encode(self, call: Call) -> tuple:
        spec = _model_spec(call.target)
        match call:
            case Predict():
                request = predict_pb2.PredictRequest(model_spec=spec)
                request.model_spec.signature_name = call.signature
                for alias, array in call.inputs.items():
                    request.inputs[alias].CopyFrom(tensors.to_proto(array))
                return self._prediction.Predict, request
            case Metadata():
                request = get_model_metadata_pb2.GetModelMetadataRequest(
                    model_spec=spec, metadata_field=["signature_def"]
                )
                return self._prediction.GetModelMetadata, request
            case Status():
                request = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
                return self._model.GetModelStatus, request


class AsyncGrpcTransport(GrpcTransport):
    """Sends calls over an asyncio channel."""

    async def send(self, call: Call, timeout: float) -> Any:
        method, request = self._encode(call)
        with typed_errors():
            return _decode(await method(request, timeout=timeout))


@contextmanager
def typed_errors() -> Iterator[None]:
    """Raises a gRPC status as ServingError."""
    try:
        yield
    except grpc.RpcError as error:
        if error.details() in _BUSY:
            raise errors.Unavailable(error.details()) from None
        raise errors.from_number(error.code().value[0], error.details()) from None


def _model_spec(target: Target) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=target.model)
    if target.version is not None:
        spec.version.value = target.version
    elif target.label is not None:
        spec.version_label = target.label
    return spec


def _decode(response: Any) -> Any:
    match response:
        case predict_pb2.PredictResponse():
            return {
                alias: tensors.to_array(proto, _MAX_ANSWER_BYTES)
                for alias, proto in response.outputs.items()
            }
        case get_model_status_pb2.GetModelStatusResponse():
            return [
                VersionStatus(
                    entry.version,
                    get_model_status_pb2.ModelVersionStatus.State.Name(entry.state),
                    entry.status.error_message,
                )
                for entry in response.model_version_status
            ]
        case get_model_metadata_pb2.GetModelMetadataResponse():
            signatures = get_model_metadata_pb2.SignatureDefMap()
            response.metadata["signature_def"].Unpack(signatures)
            named = {
                name: signature
                for name, signature in signatures.signature_def.items()
                if not name.startswith("__")
            }
            return ModelMetadata(
                response.model_spec.name,
                response.model_spec.version.value,
                {name: specs(signature.inputs) for name, signature in named.items()},
                {name: specs(signature.outputs) for name, signature in named.items()},
            )


def specs(infos: Mapping[str, meta_graph_pb2.TensorInfo]) -> dict[str, TensorSpec]:
    """The dtypes and shapes of a signature's inputs or outputs."""
    return {
        alias: TensorSpec(
            types_pb2.DataType.Name(info.dtype), tuple(d.size for d in info.tensor_shape.dim)
        )
        for alias, info in infos.items()
    }
