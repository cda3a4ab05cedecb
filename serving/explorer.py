"""The explorer: the page at `/`, its files, and the catalog of models that it reads."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from tensorflow.core.protobuf import meta_graph_pb2

from serving.errors import ServingError
from serving.files import check_plain
from serving.grpc_transport import specs
from serving.manager import Manager

_STATIC = Path(__file__).parent / "static"
_METADATA = Path("assets.extra", "metadata.json")
_MAX_METADATA_BYTES, _MAX_METADATA_LEVELS = 1 << 20, 50
_HEADERS = {
    # Nothing is loaded from elsewhere; images are made in the page.
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",  # else browsers mix files of this version with those of another
}


def explorer_routes(manager: Manager) -> tuple[BaseRoute, ...]:
    """The explorer's routes, all outside the protocol's."""

    async def page(request: Request) -> Response:
        return FileResponse(_STATIC / "index.html", headers=_HEADERS)

    async def catalog(request: Request) -> Response:
        body = await asyncio.to_thread(lambda: json.dumps(describe(manager)))
        headers = {"cache-control": "no-store"}
        return Response(body, headers=headers, media_type="application/json")

    return (
        Route("/", page),
        Route("/explorer/catalog.json", catalog),
        Mount("/explorer", _Files(directory=_STATIC)),
    )


class _Files(StaticFiles):
    """The page's files, with its headers."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        response = super().file_response(*arguments, **named)
        response.headers.update(_HEADERS)
        return response


def describe(manager: Manager) -> list[dict]:
    """Describes each model's available versions: labels, signatures, the export's metadata."""
    models = []
    for name, numbers in sorted(manager.available().items()):
        versions = []
        for number in numbers:
            # It may be unloaded meanwhile.
            with suppress(ServingError), manager.use(name, number) as version:
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
                        "bytes": _bytes(version.path),
                    }
                )
        labels = {label: str(number) for label, number in manager.labels(name).items()}
        models.append({"name": name, "labels": labels, "versions": versions})
    return models


def _infos(infos: dict[str, meta_graph_pb2.TensorInfo]) -> dict:
    return {alias: vars(spec) for alias, spec in sorted(specs(infos).items())}


def _bytes(path: Path) -> int:
    """Size of all files of a version; 0 where they are gone meanwhile."""
    try:
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    except OSError:
        return 0


def _metadata(path: Path) -> object:
    """An export's own description; None where it cannot be read, so that others can."""
    file = path / _METADATA
    try:
        check_plain(path)  # again: the files may have changed since the version was loaded
        if file.stat().st_size > _MAX_METADATA_BYTES:
            return None
        value = json.loads(file.read_bytes(), parse_float=_finite, parse_constant=_finite)
        return value if _is_flat(value, _MAX_METADATA_LEVELS) else None
    except (OSError, ValueError, RecursionError, ServingError):
        return None


def _is_flat(value: object, levels: int) -> bool:
    """Whether objects and lists are at most that many levels deep: JSON readers have limits."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return True
    return levels > 0 and all(_is_flat(item, levels - 1) for item in value)


def _finite(text: str) -> float | None:
    """None for NaN, Infinity and 1e999, which Python reads but JSON cannot write."""
    value = float(text)
    return value if math.isfinite(value) else None
