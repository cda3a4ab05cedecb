"""The client: pictures from a generator behind TensorFlow Serving's protocol.

    from serving import Client

    with Client("grpc://localhost:8500", model="digits") as client:
        images = client.generate(64, seed=0)        # float32 [64, h, w, c] in [0, 1]

`AsyncClient` has the same methods as coroutines. `python -m serving.client` saves a grid.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from serving import calls
from serving.calls import Arrays, Attempts, Call, Flow, ModelMetadata, Target, VersionStatus
from serving.connect import ClientKeys, connect, connect_async
from serving.errors import FailedPrecondition, ServingError

GENERATE, SAMPLE, PNG = "serving_default", "sample", "png"


def _rows(n: int, inputs: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
    """Inputs as arrays of n rows; a single number is that of all rows."""
    arrays = {alias: np.asarray(given) for alias, given in inputs.items()}
    for alias, array in arrays.items():
        if not array.ndim:
            arrays[alias] = np.full(n, array)
        elif len(array) != n:
            raise ValueError(f"{alias} must have {n} rows. Received: shape {list(array.shape)}")
    return arrays


class Samples(NamedTuple):
    """Pictures, float32 [n, h, w, c] in [0, 1], and the latents that made them, float32 [n, d]."""

    images: np.ndarray
    latents: np.ndarray


class Transport(Protocol):
    """Carries calls to a server."""

    def send(self, call: Call, timeout: float) -> object:
        """Makes a call and returns its answer; raises ServingError."""

    def close(self) -> None:
        """Lets go of the server."""


class AsyncTransport(Protocol):
    """Carries calls to a server, on an asyncio event loop."""

    async def send(self, call: Call, timeout: float) -> object:
        """Makes a call and returns its answer; raises ServingError."""

    async def close(self) -> None:
        """Lets go of the server."""


class _Base:
    """What both clients share: the target and the flows of calls."""

    _connect: Callable

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
        transport: Transport | AsyncTransport | None = None,
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
        self._transport: Any = transport or self._connect(url, keys or ClientKeys())

    def _attempts(self) -> Attempts:
        return Attempts(self._timeout, self._retries)

    def _sample_batches(self, n: int, seed: int, inputs: dict[str, ArrayLike]) -> Iterator[Flow]:
        if n < 1:
            raise ValueError(f"n must be at least 1. Received: {n}")
        arrays = {"seed": calls.row_seeds(seed, n), **_rows(n, inputs)}
        for start in range(0, n, self._batch_size):
            rows = slice(start, start + self._batch_size)
            yield self._sample({alias: array[rows] for alias, array in arrays.items()})

    def _sample(self, inputs: Arrays) -> Flow:
        outputs = yield from calls.predict_rows(self._target, SAMPLE, inputs)
        # Generators of points rather than pictures call them examples.
        examples = outputs.get("images", outputs.get("examples"))
        if examples is None or "latents" not in outputs:
            raise FailedPrecondition(
                f'The signature "{SAMPLE}" of {self._target.model} gives {sorted(outputs)}, not '
                "images and latents."
            )
        return Samples(examples, outputs["latents"])

    def _from_latents(
        self, signature: str, latents: np.ndarray, inputs: dict[str, ArrayLike]
    ) -> Flow:
        latents = np.asarray(latents, np.float32)
        if latents.ndim != 2:
            raise ValueError(f"latents must have shape [n, d]. Received: {list(latents.shape)}")
        arrays = {"latents": latents, **_rows(len(latents), inputs)}
        parts = []
        for start in range(0, max(len(latents), 1), self._batch_size):
            piece = {k: v[start : start + self._batch_size] for k, v in arrays.items()}
            outputs = yield from calls.predict_rows(self._target, signature, piece)
            parts.append(next(iter(outputs.values())))
        return np.concatenate(parts)

    def _predict(self, signature: str, inputs: dict[str, ArrayLike]) -> Flow:
        arrays = {alias: np.asarray(array) for alias, array in inputs.items()}
        outputs = yield from calls.predict_rows(self._target, signature, arrays)
        if "" in outputs:  # REST leaves out the name of a single output
            metadata = yield calls.Metadata(self._target)
            outputs = {next(iter(metadata.outputs[signature])): outputs[""]}
        return outputs


class Client(_Base):
    """A client for blocking code.

    Args:
        url: `grpc://host:port`, `grpcs://...`, `http://...` or `https://...`.
        model: The model's name.
        version: Its version; None for the latest.
        label: The label of its version, instead of the version.
        batch_size: How many rows to ask for at a time.
        timeout: Seconds for each batch, further attempts included.
        retries: How often a call that found the server unavailable is made again.
        keys: Keys for TLS.
        transport: Carries the calls, instead of what the URL names.
    """

    _connect = staticmethod(connect)

    def generate(self, n: int, seed: int = 0, **inputs: ArrayLike) -> np.ndarray:
        """Draws pictures: row i depends on `seed` and i alone, on either server and in any batch.

        Args:
            n: How many.
            seed: Any integer.
            **inputs: Further inputs of the `sample` signature (a condition, say): n rows each, or
                one number for all rows.

        Returns:
            float32 [n, h, w, c] in [0, 1].

        Raises:
            ValueError: An input has another number of rows.
            ServingError: The server refused, or could not be reached within the timeout.
        """
        return np.concatenate([batch.images for batch in self.stream(n, seed, **inputs)])

    def stream(self, n: int, seed: int = 0, **inputs: ArrayLike) -> Iterator[Samples]:
        """Draws pictures batch by batch, with their latents; takes what `generate` takes."""
        for flow in self._sample_batches(n, seed, inputs):
            yield self._drive(flow)

    def images(self, latents: np.ndarray, **inputs: ArrayLike) -> np.ndarray:
        """Turns latents, float32 [n, d], into pictures, float32 [n, h, w, c] in [0, 1]."""
        return self._drive(self._from_latents(GENERATE, latents, inputs))

    def png(self, latents: np.ndarray, **inputs: ArrayLike) -> list[bytes]:
        """Turns latents, float32 [n, d], into n PNG files."""
        return self._drive(self._from_latents(PNG, latents, inputs)).tolist()

    def predict(self, signature: str = GENERATE, **inputs: ArrayLike) -> dict[str, np.ndarray]:
        """Runs any signature on rows; returns all its outputs."""
        return self._drive(self._predict(signature, inputs))

    def status(self) -> list[VersionStatus]:
        """The state of the model's versions, the newest first."""
        return self._drive(calls.one(calls.Status(self._target)))

    def metadata(self) -> ModelMetadata:
        """The version that answers, and its signatures."""
        return self._drive(calls.one(calls.Metadata(self._target)))

    def _drive(self, flow: Flow) -> Any:
        try:
            call = next(flow)
            while True:
                try:
                    answer = self._send(call)
                except ServingError as error:
                    call = flow.throw(error)
                else:
                    call = flow.send(answer)
        except StopIteration as finished:
            return finished.value

    def _send(self, call: Call) -> object:
        attempts = self._attempts()
        while True:
            try:
                return self._transport.send(call, attempts.remaining())
            except ServingError as error:
                time.sleep(attempts.pause_after(error))

    def close(self) -> None:
        """Lets go of the server."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Base):
    """A client for asyncio: the arguments and the methods of `Client`, as coroutines."""

    _connect = staticmethod(connect_async)

    async def generate(self, n: int, seed: int = 0, **inputs: ArrayLike) -> np.ndarray:
        """Draws pictures; see `Client.generate`."""
        parts = [batch.images async for batch in self.stream(n, seed, **inputs)]
        return np.concatenate(parts)

    async def stream(self, n: int, seed: int = 0, **inputs: ArrayLike) -> AsyncIterator[Samples]:
        """Draws pictures batch by batch; see `Client.stream`."""
        for flow in self._sample_batches(n, seed, inputs):
            yield await self._drive(flow)

    async def images(self, latents: np.ndarray, **inputs: ArrayLike) -> np.ndarray:
        """Turns latents into pictures; see `Client.images`."""
        return await self._drive(self._from_latents(GENERATE, latents, inputs))

    async def png(self, latents: np.ndarray, **inputs: ArrayLike) -> list[bytes]:
        """Turns latents into PNG files; see `Client.png`."""
        return (await self._drive(self._from_latents(PNG, latents, inputs))).tolist()

    async def predict(
        self, signature: str = GENERATE, **inputs: ArrayLike
    ) -> dict[str, np.ndarray]:
        """Runs any signature on rows; returns all its outputs."""
        return await self._drive(self._predict(signature, inputs))

    async def status(self) -> list[VersionStatus]:
        """The state of the model's versions, the newest first."""
        return await self._drive(calls.one(calls.Status(self._target)))

    async def metadata(self) -> ModelMetadata:
        """The version that answers, and its signatures."""
        return await self._drive(calls.one(calls.Metadata(self._target)))

    async def _drive(self, flow: Flow) -> Any:
        try:
            call = next(flow)
            while True:
                try:
                    answer = await self._send(call)
                except ServingError as error:
                    call = flow.throw(error)
                else:
                    call = flow.send(answer)
        except StopIteration as finished:
            return finished.value

    async def _send(self, call: Call) -> object:
        attempts = self._attempts()
        while True:
            try:
                return await self._transport.send(call, attempts.remaining())
            except ServingError as error:
                await asyncio.sleep(attempts.pause_after(error))

    async def close(self) -> None:
        """Lets go of the server."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Draws pictures and saves them as a grid."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.client", description="Draw pictures and save them as a grid (PNG)."
    )
    parser.add_argument("url", help="grpc://host:port, grpcs://..., http://... or https://...")
    parser.add_argument("--model", required=True, help="the model's name")
    parser.add_argument("--version", type=int, help="its version (default: the latest)")
    parser.add_argument("--label", help="the label of its version")
    parser.add_argument("--count", type=int, default=64, help="how many pictures (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="the seed (default: 0)")
    parser.add_argument(
        "--condition", type=int, nargs="+", metavar="CLASS", help="the class, or classes in turn"
    )
    parser.add_argument("--columns", type=int, help="pictures in a row (default: about square)")
    parser.add_argument("--output", type=Path, default=Path("samples.png"), help="the file")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for each batch")
    parser.add_argument("--ca_file", type=Path, help="who signed the server's certificate")
    parser.add_argument("--certificate_file", type=Path, help="the client's own certificate")
    parser.add_argument("--key_file", type=Path, help="the key of that certificate")
    flags = parser.parse_args(argv)
    from serving.grid import save_grid

    try:
        with Client(
            flags.url,
            model=flags.model,
            version=flags.version,
            label=flags.label,
            timeout=flags.timeout,
            keys=ClientKeys(flags.ca_file, flags.certificate_file, flags.key_file),
        ) as client:
            inputs = {}
            if flags.condition is not None:
                inputs["condition"] = np.resize(flags.condition, flags.count)
            images = client.generate(flags.count, flags.seed, **inputs)
        save_grid(flags.output, images, flags.columns)
    except (ServingError, OSError) as error:
        # TensorFlow's texts go on with the place in its graph.
        text, _, _ = str(error).partition("\n")
        print(f"{flags.url}: {text}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(images)} pictures of {flags.model} (seed {flags.seed}): {flags.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
