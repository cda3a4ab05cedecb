"""`keras-gan export`: from a run directory to files that load elsewhere."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_gan.cli import start_tensorflow  # noqa: F401

# isort: split
from rich.console import Console

from export import inspection, parity, signatures, versions, writing
from export.subject import Subject
from keras_gan import InputError, Run
from keras_gan.cli import parsing

_DESCRIPTION = """Export a generator for TensorFlow Serving, ONNX Runtime and other languages.

examples:
  keras-gan export runs/mnist-1a2b3c4d --output exports   SavedModel and ONNX: exports/mnist/1/
  keras-gan export RUN --output exports --weights ema     the next version: exports/mnist/2/
  keras-gan export mnist_conditional --output exports     a preset
  keras-gan export RUN --output exports --formats onnx_float16 --name small
  keras-gan export RUN --output exports --signatures serving_default discriminator --warmup
  keras-gan export RUN --output exports --formats web     a page for any static host
  keras-gan export inspect exports/mnist                  numbers, signatures, size

Each file is loaded in another runtime and compared with the Keras model before the version becomes
visible."""


@parsing.command("export")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, 1 (no parity), or that of the error."""
    argv = list(sys.argv[1:] if argv is None else argv)
    return _inspect(argv[1:]) if argv[:1] == ["inspect"] else _export(argv)


def _inspect(argv: Sequence[str]) -> int:
    parser = parsing.Parser(prog="keras-gan export inspect", description="Describe an export.")
    text = "a version's directory, a model's directory, or an .onnx file"
    parser.add_argument("path", metavar="PATH", type=parsing.path, help=text)
    text = "print everything: metadata, names of operations, SHA-256 of each file"
    parser.add_argument("--json", action="store_true", help=text)
    options = parser.parse_args(argv)
    described = inspection.describe(Path(options.path))
    print(parsing.as_json(described) if options.json else "\n".join(inspection.card(described)))
    return 0


def _export(argv: Sequence[str]) -> int:
    parser = parsing.Parser(prog="keras-gan export", description=_DESCRIPTION)
    flag = parser.add_argument
    parsing.add_model(parser)
    text = "models go to DIR/<name>/<version>/"
    flag("--output", type=parsing.path, required=True, metavar="DIR", help=text)
    flag("--name", metavar="NAME", help="the model's name (its recipe's)")
    version_number = parsing.integer(1, versions.MAX_VERSION)
    flag("--version", type=version_number, metavar="INT", help="its version (the next one)")
    flag("--weights", default="last", metavar="NAME", help="last, ema, best or best_ema (last)")
    parsing.add_truncation(parser)
    formats, default = ", ".join(writing.FORMATS), writing.Settings.formats
    text = f"some of {formats} ({' '.join(default)})"
    flag("--formats", nargs="+", default=default, metavar="NAME", help=text)
    names = ", ".join(signatures.NAMES)
    text = f"some of {names}, for the SavedModel (all but the last)"
    flag("--signatures", nargs="+", metavar="NAME", help=text)
    flag("--warmup", action="store_true", help="add requests that warm a server up")
    flag("--opset", type=int, metavar="INT", help="ONNX's operator set (the newest)")
    options = parser.parse_args(argv)
    settings = writing.Settings(
        options.formats, options.signatures, warmup=options.warmup, opset=options.opset
    )
    run = Run.open(options.run, options.trust_recipe, preprocessing=options.preprocessing)
    name = versions.name_of(run.identity["recipe"]) if options.name is None else options.name
    version = (Path(options.output), name, options.version)
    writing.check(*version, settings)
    subject = Subject.from_run(run, options.weights, options.truncation)
    if len(subject.shape) == 3 and not subject.is_image:  # of a file that does not name its scale
        print(
            f"export: examples of shape {list(subject.shape)} are exported as points; if they are "
            "images, add --preprocessing unit_range ([0, 1]) or symmetric_range ([-1, 1])",
            file=sys.stderr,
        )
    _tell_of_other_data(Path(options.output, name), run)
    try:
        with Console(stderr=True).status(f"exporting {run.path}"):
            written = writing.write(subject, *version, settings)
    except parity.ParityError as mismatch:
        print(f"export: nothing was written: {mismatch}", file=sys.stderr)
        return 1
    for path in sorted(p for p in written.path.rglob("*") if p.is_file()):
        print(f"{path.stat().st_size:>12,}  {path}")
    for artifact, errors in written.errors.items():
        for name, error in errors.items():
            print(f"{artifact} {name}: largest error against Keras {error:.1e}")
    if "saved_model" in settings.formats:
        print(f"to serve it: keras-gan serve {shlex.quote(options.output)}")
    if "web" in settings.formats:
        page = shlex.quote(str(written.path / "web"))
        print(f"open http://localhost:8000 after: python -m http.server --directory {page}")
    return 0


def _tell_of_other_data(model: Path, run: Run) -> None:
    """One line if the version before is of other data: servers take the new one in its place."""
    latest = versions.latest(model)
    if latest is None:
        return
    try:
        before, now = inspection.metadata_of(latest)["training"]["data"], run.identity["dataset"]
    except (InputError, TypeError, KeyError):
        return  # nothing is known of it
    if before and now and before != now:
        print(
            f"export: {latest} was trained on {before!r}, this model on {now!r}, and servers take "
            "the newest version; --name gives another model a name of its own",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
