"""`keras-gan serve`: of a run, a preset or a `.keras` file, what it exports; then the server.

The server reads SavedModels and nothing else. This is the one module that knows both.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from keras_gan.presets import is_model
from serving.__main__ import main as serve
from serving.__main__ import missing_packages


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code; a model is exported if it comes first."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not (arguments and is_model(arguments[0])) or missing_packages():
        return serve(arguments)
    from serving.errors import UsageError
    from serving.settings import Parser, check_flags

    # What the export is told; the rest is the server's.
    parser = Parser(prog="keras-gan serve", add_help=False, allow_abbrev=False)
    parser.add_argument("--weights")
    parser.add_argument("--truncation")
    parser.add_argument("--preprocessing")
    parser.add_argument("--trust-recipe", action="store_true")
    told, arguments[1:] = parser.parse_known_args(arguments[1:])
    flags = [
        f"--{name}={text}"
        for name in ("weights", "truncation", "preprocessing")
        if (text := vars(told)[name]) is not None
    ]
    flags += ["--trust-recipe"] * told.trust_recipe
    try:
        check_flags(arguments)  # its mistakes, and --help, do not wait for an export
    except UsageError as error:
        print(f"keras-gan serve: {error}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves SIGHUP
            signal.signal(number, lambda caught, _: sys.exit(128 + caught))  # and clean up
    with tempfile.TemporaryDirectory(prefix="keras-gan-serve-") as folder:
        # A process of its own: what it loads does not stay in the server's memory. -P: not a
        # folder "export" of the user.
        command = [sys.executable, "-P", "-m", "export", arguments[0]]
        options = ["--output", folder, "--formats", "saved_model", *flags]
        exported = subprocess.run([*command, *options], stdout=subprocess.DEVNULL, check=False)
        return exported.returncode or serve([folder, *arguments[1:]])
