"""Shared by REST and gRPC: from a model's name and inputs to its outputs, with all checks.

A protocol reads its request into a `Target` and arrays, and writes the outputs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from serving import tensors
from serving.calls import Target
from serving.errors import Internal, InvalidArgument, ResourceExhausted, ServingError
from serving.execution import Arrays, BatchingExecutor, DirectExecutor
from serving.loader import DEFAULT_SIGNATURE
from serving.manager import Manager, Version
from serving.metrics import Metrics
from serving.settings import Limits

_logger = logging.getLogger(__name__)
SignatureDef: TypeAlias = meta_graph_pb2.SignatureDef


@dataclass(frozen=True)
class Prediction:
    """Outputs, and which version and signature made them."""

    version: int
    signature: str
    outputs: Arrays


@dataclass(frozen=True)
class Predictor:
    """Answers predictions."""

    manager: Manager
    executor: DirectExecutor | BatchingExecutor
    limits: Limits
    metrics: Metrics

    def version(self, target: Target) -> AbstractContextManager[Version]:
        """A context with the version that a request names."""
        if not target.model:
            raise InvalidArgument("ModelSpec has no name specified.")
        return self.manager.use(target.model, target.version, target.label)

    def check_rows(self, rows: int) -> None:
        """Raises ResourceExhausted if a request has more rows than one may have."""
        if rows > self.limits.max_rows:
            raise ResourceExhausted(
                f"The request has {rows} rows; the limit is {self.limits.max_rows}."
            )

    async def answer(self, api: str, entrypoint: str, model: str, work: Awaitable) -> Any:
        """Awaits a request's answer and records status and latency."""
        started, status = time.perf_counter(), "CANCELLED"
        try:
            answer = await work
            status = "OK"
            return answer
        except ServingError as error:
            status = error.code.name
            raise
        except Exception:
            status = "INTERNAL"
            extra = {"api": api, "model": model}
            _logger.exception("internal error in a request", extra=extra)
            raise Internal("Internal error; see the server's log.") from None
        finally:
            if self.manager.serves(model):
                seconds = time.perf_counter() - started
                self.metrics.request(model, api, entrypoint, status, seconds)

    async def predict(
        self,
        target: Target,
        signature_name: str,
        read_inputs: Callable[[SignatureDef | None], Arrays],
        output_filter: Sequence[str] = (),
    ) -> Prediction:
        """Runs a signature; `read_inputs` gets None for one that the model does not have."""
        name = signature_name or DEFAULT_SIGNATURE
        with self.version(target) as version:
            signature = version.servable.signature(name)
            inputs = read_inputs(signature)
            outputs = _outputs(signature, output_filter)
            rows = max((array.shape[0] for array in inputs.values() if array.ndim), default=0)
            self.check_rows(rows)
            started = time.perf_counter()
            arrays = await self.executor.run(version.servable, name, inputs, outputs)
            self.metrics.runtime(target.model, time.perf_counter() - started)
            self.metrics.rows(target.model, rows)
            return Prediction(version.number, name, arrays)


def inputs_from_protos(
    signature: SignatureDef, protos: Mapping[str, tensor_pb2.TensorProto], max_bytes: int
) -> Arrays:
    """Reads a request's tensors for a signature; inputs with a default may be left out."""
    expected, given = set(signature.inputs), set(protos)
    if len(given) > len(expected) or (len(given) < len(expected) and not signature.defaults):
        raise InvalidArgument(
            f"input size does not match signature: {len(given)}!={len(expected)} "
            f"len({_braced(given)}) != len({_braced(expected)}). "
            f"Sent extra: {_braced(given - expected)}. "
            f"Missing but required: {_braced(expected - given)}."
        )
    arrays = {}
    for alias in sorted(expected):
        proto = protos[alias] if alias in given else signature.defaults.get(alias)
        if proto is None:
            raise InvalidArgument(
                f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) not "
                "found in request and no default value provided. Inputs expected to be in the "
                f"request {_braced(given)}, or default input alias set: "
                f"{','.join(sorted(signature.defaults))}"
            )
        try:
            arrays[alias] = tensors.to_array(proto, max_bytes)
        except ValueError:
            raise InvalidArgument(f"tensor parsing error: {alias}") from None
    return arrays


def _outputs(signature: SignatureDef, wanted: Sequence[str]) -> list[str]:
    for index, alias in enumerate(wanted):
        if alias not in signature.outputs:
            raise InvalidArgument(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_braced(signature.outputs)}."
            )
        if alias in wanted[:index]:
            raise InvalidArgument(f"duplicate output tensor alias: {alias}")
    return list(wanted) or sorted(signature.outputs)


def _braced(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
