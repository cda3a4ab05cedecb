"""From a server's address to a transport."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from serving.errors import UsageError

if TYPE_CHECKING:
    import grpc

# A batch of images may be larger than gRPC's limit of 4 MiB for an answer. A server that comes back
# is found within a second: the client's own pauses between attempts are longer.
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


@dataclass(frozen=True)
class ClientKeys:
    """Files in PEM format for `grpcs://` and `https://`.

    Args:
        authority: Who must have signed the server's certificate; None for the system's list.
        certificate: The client's own certificate, where the server asks for one.
        key: The key of that certificate.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def connect(url: str, keys: ClientKeys, *, asynchronous: bool) -> Any:
    """A transport to the server at a URL, for blocking code or for asyncio."""
    scheme, address = _split(url)
    if scheme in ("http", "https"):
        import httpx

        from serving.rest_transport import AsyncRestTransport, RestTransport

        verify = _ssl_context(scheme, keys)
        if asynchronous:
            return AsyncRestTransport(httpx.AsyncClient(base_url=url, verify=verify))
        return RestTransport(httpx.Client(base_url=url, verify=verify))
    import grpc

    from serving.grpc_transport import AsyncGrpcTransport, GrpcTransport

    library, transport = (grpc.aio, AsyncGrpcTransport) if asynchronous else (grpc, GrpcTransport)
    if scheme == "grpcs":
        return transport(library.secure_channel(address, _credentials(keys), _OPTIONS))
    return transport(library.insecure_channel(address, _OPTIONS))


def _split(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, or half of an IPv6 address's brackets
        usable = False
    if not usable or parts.scheme not in ("grpc", "grpcs", "http", "https"):
        raise UsageError(
            f"{url!r} is not a server's address: grpc://host:port, grpcs://..., http://... or "
            "https://... is expected"
        )
    return parts.scheme, parts.netloc


def _ssl_context(scheme: str, keys: ClientKeys) -> ssl.SSLContext | bool:
    if scheme == "http":
        return False
    context = ssl.create_default_context(cafile=keys.authority)
    if keys.certificate is not None:
        context.load_cert_chain(keys.certificate, keys.key)
    return context


def _credentials(keys: ClientKeys) -> grpc.ChannelCredentials:
    import grpc

    def read(path: Path | None) -> bytes | None:
        return path.read_bytes() if path is not None else None

    return grpc.ssl_channel_credentials(
        read(keys.authority), read(keys.key), read(keys.certificate)
    )
