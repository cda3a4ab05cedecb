"""The client: images from a generator behind TensorFlow Serving's protocol.

    from serving import Client

    with Client("grpc://localhost:8500", model="digits") as client:
        images = client.generate(64, seed=0)        # float32 [64, h, w, c] in [0, 1]

`AsyncClient` has the same methods as coroutines. `keras-gan serve client` saves a grid.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from serving import calls
from serving.calls import Call, Flow, Target
from serving.connect import ClientKeys, connect
from serving.errors import FailedPrecondition, ServingError

GENERATE, SAMPLE, PNG = "serving_default", "sample", "png"


class _Client:
    """What both clients share; `_run` runs a flow of calls, or makes a coroutine that does."""

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
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1. Received: {batch_size}")
        self._target = Target(model, version, label)
        self._batch_size = batch_size
        self._timeout, self._retries = timeout, retries
        self._transport = transport or connect(
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

    def _run(self, flow: Flow) -> Any:
        raise NotImplementedError

    # Flows of calls

    def _ask(self, call: Call) -> Flow:
        return calls.attempts(call, self._timeout, self._retries)

    def _predict_rows(self, *arguments: Any) -> Flow:
        return calls.predict_rows(self._ask, self._target, *arguments)

    def _generate(self, n: int, seed: int, inputs: Mapping[str, ArrayLike]) -> Flow:
        if n < 1:
            raise ValueError(f"n must be at least 1. Received: {n}")
        arrays = {"seed": calls.row_seeds(seed, n), **_rows(n, inputs)}
        outputs = yield from self._predict_rows(SAMPLE, arrays, self._batch_size)
        # Generators of points name their output "examples".
        examples = outputs.get("images", outputs.get("examples"))
        if examples is None:
            raise FailedPrecondition(
                f'The signature "{SAMPLE}" of {self._target.model} gives {sorted(outputs)}, not '
                "images."
            )
        return examples

    def _from_latents(
        self, signature: str, latents: ArrayLike, inputs: Mapping[str, ArrayLike]
    ) -> Flow:
        latents = np.asarray(latents, np.float32)
        if latents.ndim != 2:
            raise ValueError(f"latents must have shape [n, d]. Received: {list(latents.shape)}")
        arrays = {"latents": latents, **_rows(len(latents), inputs)}
        outputs = yield from self._predict_rows(signature, arrays, self._batch_size)
        return next(iter(outputs.values()))

    def _png(self, latents: ArrayLike, inputs: Mapping[str, ArrayLike]) -> Flow:
        return (yield from self._from_latents(PNG, latents, inputs)).tolist()

    def _predict(self, signature: str, inputs: Mapping[str, ArrayLike]) -> Flow:
        arrays = {alias: np.asarray(array) for alias, array in inputs.items()}
        outputs = yield from self._predict_rows(signature, arrays)
        if "" in outputs:  # REST leaves out the name of a single output
            metadata = yield from self._ask(calls.Metadata(self._target))
            outputs = {next(iter(metadata.outputs[signature])): outputs[""]}
        return outputs


class Client(_Client):
    """A client for blocking code.

    Args:
        url: `grpc://host:port`, `grpcs://...`, `http://...` or `https://...`.
        model: The model's name.
        version: Its version; None for the latest.
        label: The label of its version, instead of the version.
        batch_size: How many rows to send at a time.
        timeout: Seconds for each batch, further attempts included.
        retries: How often a call that found the server unavailable is made again.
        keys: Keys for TLS.
        transport: Sends the calls, instead of a connection to the URL.
    """

    _asynchronous = False

    def _run(self, flow: Flow) -> Any:
        try:
            step = next(flow)
            while True:
                try:
                    if isinstance(step, float):
                        answer = None
                        time.sleep(step)
                    else:
                        answer = self._transport.send(*step)
                except ServingError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as finished:
            return finished.value

    def close(self) -> None:
        """Closes the connection."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Client):
    """A client for asyncio: the arguments and the methods of `Client`, as coroutines."""

    _asynchronous = True

    async def _run(self, flow: Flow) -> Any:
        try:
            step = next(flow)
            while True:
                try:
                    if isinstance(step, float):
                        answer = None
                        await asyncio.sleep(step)
                    else:
                        answer = await self._transport.send(*step)
                except ServingError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as finished:
            return finished.value

    async def close(self) -> None:
        """Closes the connection."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _rows(n: int, inputs: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
    """Inputs as arrays of n rows; a single number is repeated for all rows."""
    arrays = {alias: np.asarray(given) for alias, given in inputs.items()}
    for alias, array in arrays.items():
        if not array.ndim:
            arrays[alias] = np.full(n, array)
        elif len(array) != n:
            raise ValueError(f"{alias} must have {n} rows. Received: shape {list(array.shape)}")
    return arrays
