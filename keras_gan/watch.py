"""`keras-gan watch`: a local page that follows a run while it trains."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from keras_gan.cli import start_tensorflow  # noqa: F401

# isort: split
from keras_gan.cli import parsing
from keras_gan.experiment.run import Run
from keras_gan.reporting.pages import Server

_DESCRIPTION = """Follow a run in a browser: a page on this machine that refreshes itself, with
samples over time, curves and the warnings of --monitor-every. It reads files of the run only, so
that training is not disturbed. Ctrl-C ends it.

examples:
  keras-gan watch runs/digits-1a2b3c4d            then open http://localhost:8600/"""


@parsing.command("watch")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command until Ctrl-C; returns its exit code (see `keras_gan.core.errors`)."""
    parser = parsing.Parser(prog="keras-gan watch", description=_DESCRIPTION)
    parser.add_argument("run", metavar="RUN", type=parsing.path, help="run directory")
    parser.add_argument(
        "--port", type=parsing.integer(0, 65535), default=8600, metavar="INT", help="port (8600)"
    )
    options = parser.parse_args(argv)
    run = Run.open(options.run)
    with Server(run.path, options.port) as server:
        print(f"{run.path}: http://localhost:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
