"""A server on this machine of one page that follows a run."""

from __future__ import annotations

import http.server
import sys
import threading
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from keras_gan.core.errors import InputError, first_line
from keras_gan.experiment.run import Run
from keras_gan.reporting import document

_HOSTS = ("localhost", "127.0.0.1")
_FILES = ("config.json", "metrics.csv", "warnings.json", "evaluation.json", "samples")


class Server(http.server.ThreadingHTTPServer):
    """Serves the page on 127.0.0.1 to browsers that ask for this machine.

    Args:
        path: The run directory.
        port: The port; 0 for any that is free.

    Raises:
        InputError: The port is taken, or may not be used.
    """

    daemon_threads = True

    def __init__(self, path: Path, port: int):
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise InputError(
                f"port {port} cannot be used: {error.strerror}; choose another --port"
            ) from error
        self._path = path
        self._lock = threading.Lock()
        self._page = ("", "")  # the state that it shows, and the document

    def handle_error(self, request, client_address) -> None:
        """One line for a fault; none if the browser has gone."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            print(f"watch: {type(error).__name__}: {first_line(error)}", file=sys.stderr)

    @property
    def state(self) -> str:
        """Changes when the run's files do."""
        files = (self._path / name for name in _FILES)
        return "-".join(f"{file.stat().st_mtime_ns:x}" for file in files if file.exists())

    def page(self) -> str:
        """The document, drawn anew only when the run's files have changed."""
        with self._lock:
            state = self.state
            if self._page[0] != state:
                self._page = state, document.render_files(Run.open(self._path), state)
            return self._page[1]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        """Answers `/` with the page and `/state` with what changes when the page does."""
        # A page from elsewhere may have let a name of its own lead to this machine.
        if _name(self.headers.get("Host", "")) not in _HOSTS:
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", "open http://localhost instead")
        elif urlsplit(self.path).path == "/":
            self._answer_page()
        elif self.path == "/state":
            self._answer(HTTPStatus.OK, "text/plain", self.server.state)
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "there is nothing here")

    do_HEAD = do_GET

    def _answer_page(self) -> None:
        try:
            page = self.server.page()
        except (InputError, OSError) as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", str(error))
        except Exception as error:
            fault = f"{type(error).__name__}: {first_line(error)}"
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", fault)
        else:
            self._answer(HTTPStatus.OK, "text/html", page)

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        content = text.encode(errors="replace")  # as `write_atomically` does
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not printed."""


def _name(host: str) -> str:
    """The name in a `Host`, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:  # half of an IPv6 address's brackets
        return host
