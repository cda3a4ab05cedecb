"""`python -m export`: from a run directory to files that load elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from export import inspection, parity, signatures, writing
from export.subject import Subject
from keras_gan.cli import parsing
from keras_gan.experiment.run import WEIGHTS, Run

_DESCRIPTION = """Export a run's generator for TensorFlow Serving, ONNX Runtime and other languages.

examples:
  python -m export runs/mnist-1a2b3c4d --output exports      SavedModel and ONNX: exports/mnist/1/
  python -m export RUN --output exports --weights averaged   the next version: exports/mnist/2/
  python -m export RUN --output exports --formats onnx_float16 --name small
  python -m export RUN --output exports --signatures serving_default discriminator --warmup
  python -m export inspect exports/mnist                     signatures, metadata, sha256

Each artefact is loaded in another runtime and compared with the Keras model; only then does the
version become visible."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`; 1: no parity)."""
    return parsing.run(_main, argv, "export")


def _main(argv: Sequence[str] | None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == ["inspect"]:
        return _inspect(argv[1:])
    return _export(argv)


def _inspect(argv: Sequence[str]) -> int:
    parser = parsing.Parser(prog="python -m export inspect", description="Describe an export.")
    parser.add_argument("path", help="a version's directory, a model's directory, or an .onnx file")
    for line in inspection.describe(Path(parser.parse_args(argv).path)):
        print(line)
    return 0


def _export(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    settings = writing.Settings(
        formats=options.formats,
        signatures=options.signatures,
        warmup=options.warmup,
        opset=options.opset,
        max_inline=options.external_data_above,
    )
    run = Run.open(options.run)
    name = run.identity["recipe"] if options.name is None else options.name
    place = (Path(options.output), name, options.version)
    writing.check(*place, settings)

    from rich.console import Console

    try:
        with Console(stderr=True).status(f"exporting {run.path}"):
            written = writing.write(Subject.from_run(run, options.weights), *place, settings)
    except parity.ParityError as mismatch:
        print(f"export: nothing was written: {mismatch}", file=sys.stderr)
        return 1
    for path in sorted(p for p in written.path.rglob("*") if p.is_file()):
        print(f"{path.stat().st_size:>12,}  {path}")
    for artefact, errors in written.errors.items():
        for name, error in errors.items():
            print(f"{artefact} {name}: largest error against Keras {error:.1e}")
    return 0


def _parser() -> parsing.Parser:
    parser = parsing.Parser(prog="python -m export", description=_DESCRIPTION)
    parser.add_argument("run", metavar="RUN", help="run directory of a finished run")
    parser.add_argument(
        "--output", required=True, metavar="DIR", help="models go to DIR/<name>/<version>/"
    )
    parser.add_argument("--name", metavar="NAME", help="the model's name (its recipe's)")
    parser.add_argument("--version", type=int, metavar="INT", help="its version (the next one)")
    parser.add_argument(
        "--weights", default="last", metavar="NAME", help=f"one of {', '.join(WEIGHTS)} (last)"
    )
    parser.add_argument(
        "--formats",
        nargs="+",
        default=writing.Settings.formats,
        metavar="NAME",
        help=f"some of {', '.join(writing.FORMATS)} ({' '.join(writing.Settings.formats)})",
    )
    parser.add_argument(
        "--signatures",
        nargs="+",
        metavar="NAME",
        help=f"some of {', '.join(signatures.NAMES)}, for the SavedModel (all but the last)",
    )
    parser.add_argument("--warmup", action="store_true", help="add requests that warm a server up")
    parser.add_argument("--opset", type=int, metavar="INT", help="ONNX's operator set (the newest)")
    parser.add_argument(
        "--external-data-above",
        type=int,
        metavar="BYTES",
        help="weights beyond this stand beside the ONNX file (2 GB)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
