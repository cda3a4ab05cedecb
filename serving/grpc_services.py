"""TensorFlow Serving's gRPC services, on one asyncio event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

from serving import tensors
from serving.calls import Target
from serving.config import model_configs
from serving.errors import FailedPrecondition, InvalidArgument, ServingError
from serving.execution import Arrays
from serving.loader import DEFAULT_SIGNATURE
from serving.manager import Manager
from serving.predict import Predictor, SignatureDef, inputs_from_protos

Context: TypeAlias = grpc.aio.ServicerContext
SIGNATURE_DEF = "signature_def"


class _Answering:
    """Turns errors into gRPC statuses."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    async def _answer(self, context: Context, api: str, model: str, work: Awaitable) -> Any:
        try:
            return await self._predictor.answer(api, "GRPC", model, work)
        except ServingError as error:
            await context.abort(error.code, error.message)


class UnreadableRequests(grpc.aio.ServerInterceptor):
    """Answers a request that cannot be parsed with INTERNAL, as gRPC's C++ server does."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Wraps the reading of a unary request; grpcio would log an error of the service."""
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        def read(data: bytes) -> object:
            try:
                return handler.request_deserializer(data)
            except DecodeError:
                return None

        async def answer(request: object, context: Context) -> object:
            if request is None:
                await context.abort(grpc.StatusCode.INTERNAL, "The request could not be parsed.")
            return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(answer, read, handler.response_serializer)


class PredictionService(_Answering, prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; methods for other kinds of models answer UNIMPLEMENTED."""

    async def Predict(self, request: Any, context: Context) -> Message:
        """Runs a signature."""
        work = self._predict(request)
        return await self._answer(context, "Predict", request.model_spec.name, work)

    async def _predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        target, spec = _target(request), request.model_spec

        def read_inputs(signature: SignatureDef | None) -> Arrays:
            if signature is None:
                name = spec.signature_name or DEFAULT_SIGNATURE
                raise FailedPrecondition(f'Serving signature key "{name}" not found.')
            return inputs_from_protos(
                signature, request.inputs, self._predictor.limits.max_request_bytes
            )

        prediction = await self._predictor.predict(
            target, spec.signature_name, read_inputs, request.output_filter
        )
        response = predict_pb2.PredictResponse()
        response.model_spec.name = spec.name
        response.model_spec.signature_name = prediction.signature
        response.model_spec.version.value = prediction.version
        for alias, array in prediction.outputs.items():
            response.outputs[alias].CopyFrom(tensors.to_proto(array))
        return response

    async def GetModelMetadata(self, request: Any, context: Context) -> Message:
        """Gives a version's signatures."""
        work = self._metadata(request)
        return await self._answer(context, "GetModelMetadata", request.model_spec.name, work)

    async def _metadata(self, request: get_model_metadata_pb2.GetModelMetadataRequest) -> Message:
        target = _target(request)
        if not request.metadata_field:
            text = "GetModelMetadataRequest must specify at least one metadata_field"
            raise InvalidArgument(text)
        for name in request.metadata_field:
            if name != SIGNATURE_DEF:
                raise InvalidArgument(f"Metadata field {name} is not supported")
        return model_metadata(self._predictor, target)

    async def _not_offered(self, request: Message, context: Context) -> None:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "This server answers Predict only.")

    Classify = Regress = MultiInference = _not_offered


class ModelService(_Answering, model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest."""

    def __init__(self, predictor: Predictor, roots: tuple) -> None:
        super().__init__(predictor)
        self._roots = roots

    async def GetModelStatus(self, request: Any, context: Context) -> Message:
        """Gives the state of a model's versions."""
        work = self._status(request)
        return await self._answer(context, "GetModelStatus", request.model_spec.name, work)

    async def _status(self, request: get_model_status_pb2.GetModelStatusRequest) -> Message:
        return model_status(self._predictor.manager, _target(request))

    async def HandleReloadConfigRequest(self, request: Any, context: Context) -> Message:
        """Replaces the configuration."""
        return await self._answer(
            context, "HandleReloadConfigRequest", "", self._reload(request.config)
        )

    async def _reload(self, config: model_server_config_pb2.ModelServerConfig) -> Message:
        if config.WhichOneof("config") != "model_config_list":
            raise InvalidArgument(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        models = model_configs(config.model_config_list, self._roots)
        await asyncio.to_thread(self._predictor.manager.reload, models)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        return response


def model_status(manager: Manager, target: Target) -> Message:
    """Answers GetModelStatus. A version label is ignored, as TensorFlow Serving ignores it."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for version, state, error in manager.status(target.model, target.version):
        entry = response.model_version_status.add(version=version, state=int(state))
        entry.status.error_code = error.code.value[0] if error else 0
        entry.status.error_message = error.message if error else ""
    return response


def model_metadata(
    predictor: Predictor, target: Target
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Answers GetModelMetadata."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    signatures = get_model_metadata_pb2.SignatureDefMap()
    with predictor.version(target) as version:
        for name, signature in version.servable.signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
        response.model_spec.name = version.model
        response.model_spec.version.value = version.number
    response.metadata[SIGNATURE_DEF].Pack(signatures)
    return response


def _target(request: Message) -> Target:
    if not request.HasField("model_spec"):
        raise InvalidArgument("Missing ModelSpec")
    spec: model_pb2.ModelSpec = request.model_spec
    match spec.WhichOneof("version_choice"):
        case "version":
            return Target(spec.name, version=spec.version.value)
        case "version_label":
            return Target(spec.name, label=spec.version_label)
        case _:
            return Target(spec.name)
