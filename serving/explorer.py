"""The explorer: the page at `/`, its files, and the catalog of models that it reads."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from tensorflow.core.protobuf import meta_graph_pb2

from serving.errors import ServingError
from serving.grpc_transport import specs
from serving.manager import Manager

_STATIC = Path(__file__).parent / "static"
_METADATA = Path("assets.extra", "metadata.json")
_HEADERS = {
    # Nothing is loaded from elsewhere; images are made in the page.
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def explorer_routes(manager: Manager) -> tuple[BaseRoute, ...]:
    """The explorer's routes, all outside the protocol's."""

    async def page(request: Request) -> Response:
        return FileResponse(_STATIC / "index.html", headers=_HEADERS)

    async def catalog(request: Request) -> Response:
        return JSONResponse(
            await asyncio.to_thread(describe, manager), headers={"cache-control": "no-store"}
        )

    return (
        Route("/", page),
        Route("/explorer/catalog.json", catalog),
        Mount("/explorer", StaticFiles(directory=_STATIC)),
    )


def describe(manager: Manager) -> list[dict]:
    """Describes each model's available versions: labels, signatures, the export's metadata."""
    models = []
    for name, numbers in sorted(manager.available().items()):
        versions = []
        for number in numbers:
            try:
                with manager.use(name, number) as version:
                    signatures = version.servable.signatures
                    versions.append(
                        {
                            "version": str(number),
                            "signatures": {
                                key: {"inputs": _infos(s.inputs), "outputs": _infos(s.outputs)}
                                for key, s in sorted(signatures.items())
                                if not key.startswith("__")
                            },
                            "metadata": _metadata(version.path),
                        }
                    )
            except ServingError:
                continue  # unloaded meanwhile
        models.append({"name": name, "labels": manager.labels(name), "versions": versions})
    return models


def _infos(infos: dict[str, meta_graph_pb2.TensorInfo]) -> dict:
    return {alias: vars(spec) for alias, spec in sorted(specs(infos).items())}


def _metadata(path: Path) -> object:
    try:
        text = (path / _METADATA).read_bytes()
        return json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (OSError, ValueError, RecursionError):
        return None


def _finite(text: str) -> float | None:
    """None for NaN, Infinity and 1e999, which Python reads but JSON cannot write."""
    value = float(text)
    return value if math.isfinite(value) else None
