"""TLS and mutual TLS, the same keys for gRPC and REST."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import grpc

from serving.config import SSLConfig, read_text_proto
from serving.errors import UsageError


@dataclass(frozen=True)
class Keys:
    """A server's key and certificate (PEM), and the authority of client certificates, if any."""

    key: bytes
    certificate: bytes
    client_authority: bytes | None = None

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """The credentials of a gRPC server."""
        return grpc.ssl_server_credentials(
            [(self.key, self.certificate)],
            root_certificates=self.client_authority,
            require_client_auth=self.client_authority is not None,
        )

    def ssl_context(self) -> ssl.SSLContext:
        """The TLS context of an HTTPS server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # The module loads certificates from files only, so this one is in a private directory
        # meanwhile.
        with tempfile.TemporaryDirectory() as directory:
            pair = Path(directory, "pair.pem")
            pair.touch(mode=0o600)
            pair.write_bytes(self.key + b"\n" + self.certificate)
            context.load_cert_chain(pair, password="")  # else it asks at the terminal
        if self.client_authority is not None:
            context.load_verify_locations(cadata=self.client_authority.decode("ascii"))
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def read_keys(
    certificate_file: Path | None, key_file: Path | None, client_authority_file: Path | None
) -> Keys | None:
    """Reads keys from their files."""
    if certificate_file is None and key_file is None and client_authority_file is None:
        return None
    if certificate_file is None:
        raise UsageError("--ssl_certificate_file is missing: a key or a client authority needs it")
    if key_file is None:
        raise UsageError("--ssl_key_file is missing: the certificate needs its key")
    authority = _read(client_authority_file) if client_authority_file else None
    keys = Keys(_read(key_file), _read(certificate_file), authority)
    return _checked(keys, certificate_file, client_authority_file or certificate_file)


def read_ssl_config(path: Path) -> Keys:
    """Reads TensorFlow Serving's TLS file, which holds the PEM texts themselves."""
    config = read_text_proto(path, SSLConfig())
    for name in ("server_key", "server_cert"):
        if not getattr(config, name):
            raise UsageError(f"{path}: {name} is missing")
    if config.client_verify and not config.custom_ca:
        raise UsageError(f"{path}: custom_ca is missing; client_verify needs it")
    authority = config.custom_ca.encode() if config.client_verify else None
    keys = Keys(config.server_key.encode(), config.server_cert.encode(), authority)
    return _checked(keys, path, path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _checked(keys: Keys, path: Path, authority_path: Path) -> Keys:
    pair = replace(keys, client_authority=None)
    for part, source, content in (
        (pair, path, "a certificate with its key (without a passphrase)"),
        (keys, authority_path, "an authority's certificate"),
    ):
        try:
            part.ssl_context()
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise UsageError(f"{source}: not {content} in PEM format ({reason})") from None
    return keys
