"""Checks of requests that a web page in a browser sends to this server.

A browser sends requests for any page that it shows. Two rules keep pages from elsewhere out; other
clients need not know them.

- The `Host` of a request is localhost, an address, or a name that the server was told. An attacker
  may let a name of his own lead to this machine ("DNS rebinding"), but the request has that name.
- Of a page of another origin (the `Origin` of a request says so), a request with a body is JSON. A
  browser asks the server before it sends that (a "preflight"), and this server never agrees.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from serving.errors import PermissionDenied

_HARMLESS = ("GET", "HEAD", "OPTIONS")  # they change nothing, and other pages cannot read answers


def check(method: str, headers: Headers, allowed_hosts: Collection[str]) -> None:
    """Raises PermissionDenied for a request that a page from elsewhere may have caused."""
    host = headers.get("host")
    if host is None:  # no browser leaves it out
        return
    name = _name(host)
    if not (_is_local(name) or name in allowed_hosts):
        raise PermissionDenied(
            f"The server does not answer requests for the host {name!r}; --allowed_hosts names "
            "further hosts."
        )
    origin = headers.get("origin")
    if origin is None or method in _HARMLESS or origin.partition("://")[2].lower() == host.lower():
        return
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise PermissionDenied(
            f"The page of {origin} may send JSON only: its content-type is {kind!r}, not "
            "'application/json'."
        )


def _name(host: str) -> str:
    """The host in lower case, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:  # half of an IPv6 address's brackets
        return host


def _is_local(name: str) -> bool:
    """Whether this is localhost or an address, which no name server can change."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return True
