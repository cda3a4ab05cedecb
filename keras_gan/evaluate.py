"""`python -m keras_gan.evaluate`: how good a run is, and how far to trust the number."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from keras_gan import plotting
from keras_gan.cli import parsing
from keras_gan.core.errors import InputError
from keras_gan.evaluation import published
from keras_gan.evaluation.likelihood import reliability
from keras_gan.experiment import extensions
from keras_gan.experiment.evaluator import EXAMINED, Measurement
from keras_gan.experiment.run import Run, write_atomically

_DESCRIPTION = """Measure a finished run: Parzen log-likelihood in the paper's protocol, beside
published rows and beside rows that tell how to read it; distances on the features of a small
classifier of the same data; and a search for collapse and memorization.
The numbers and their whole protocol go to evaluation.json in the run directory.

examples:
  python -m keras_gan.evaluate runs/digits-1a2b3c4d
  python -m keras_gan.evaluate runs/mnist-5e6f7a8b --weights averaged --sets 5"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    return parsing.run(_main, argv, "evaluate")


def _main(argv: Sequence[str] | None) -> int:
    parser = parsing.Parser(prog="python -m keras_gan.evaluate", description=_DESCRIPTION)
    parsing.add_run(parser)
    parser.add_argument(
        "--samples", type=int, default=10_000, metavar="INT", help="samples of G (10000)"
    )
    parser.add_argument(
        "--sets",
        type=int,
        default=1,
        metavar="INT",
        help="independent sets of samples, 1 or at least 5 (1); several also measure the "
        "estimator's error on known Gaussians and draw both, figures/trust.png",
    )
    parser.add_argument(
        "--refine", action="store_true", help="report a bandwidth between the grid's as well"
    )
    parser.add_argument(
        "--no-sanity", action="store_true", help="leave out training images and centroids"
    )
    parser.add_argument(
        "--strategy", default="default", metavar="NAME", help="devices for the likelihood (default)"
    )
    options = parser.parse_args(argv)
    if options.sets != 1 and options.sets < reliability.LEAST_SETS:
        raise InputError(
            f"--sets must be 1 or at least {reliability.LEAST_SETS}. Received: {options.sets}"
        )
    run = Run.open(options.run)
    parsing.check_writable("the run directory", run.path)
    if options.sets > 1:
        parsing.check_writable("the folder of pictures", run.path / "figures")
    file = run.path / "evaluation.json"
    _earlier(file)
    measurement = Measurement(run, options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        results = measurement.measure() | extensions.measure(measurement)
    results["warnings"] = sorted({str(w.message) for w in caught if w.category is UserWarning})
    for other in (w for w in caught if w.category is not UserWarning):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    write_atomically(file, parsing.as_json({**_earlier(file), options.weights: results}))
    _show(results, run.identity["dataset"], options)
    print(f"written to {file}")
    if "gaussian_error" in results:
        print(_draw_trust(run, results))
    return 0


def _earlier(file: Path) -> dict:
    """What was measured with other weights."""
    try:
        return json.loads(file.read_text()) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read; move it away") from error


def _draw_trust(run: Run, results: dict) -> Path:
    """Draws the spread over sets of samples and the error on known Gaussians."""
    file = run.path / "figures" / "trust.png"
    sets, errors = results["likelihood"]["spread"]["sets"], results["gaussian_error"]
    picture = plotting.trust(
        [row["mean"] for row in sets],
        [row["standard_error"] for row in sets],
        [row["dimension"] for row in errors],
        [row["error"] for row in errors],
    )
    plotting.save_image(picture, file)
    return file


def _show(results: dict, name: str, options) -> None:
    """Prints the numbers beside those that tell how to read them."""
    console = Console()
    own = results["likelihood"]
    table = Table(title=f"Mean log-likelihood of the test set of {name}, nats")
    for column in ("model", "nats", "sigma", "source"):
        table.add_column(column, justify="left" if column in ("model", "source") else "right")
    if name in ("mnist", "tfd"):
        for row in (*published.TABLE_1, *published.LATER):
            score = getattr(row, name)
            table.add_row(row.model, f"{score or ''}", "", row.source)
        table.add_section()
    for kind, row in results.get("sanity", {}).items():
        table.add_row(
            f"{row['samples']:,} {kind} as samples", *_cells(row), "this data, this protocol"
        )
    table.add_section()
    trained = f"{results['run']['recipe']}, {results['run']['epochs']} epochs"
    what = f"{trained}, {options.weights} weights"
    table.add_row(f"[bold]{what}", *_cells(own), f"{options.samples:,} samples")
    if own.get("refined"):
        table.add_row(
            "the same, bandwidth between the grid's",
            *_cells(own["refined"]),
            "not the paper's protocol",
        )
    console.print(table)
    _show_distances(console, results["distances"])
    if "given_classes" in results:
        _show_classes(console, results["given_classes"])
    if "classification" in results:
        found = results["classification"]
        console.print(
            f"D names {found['test_error']:.2%} ± {found['standard_error']:.2%} of "
            f"{found['images']:,} test images wrongly, with {found['labels'] or 'all'} labels"
        )
    if "completion" in results:
        _show_completion(console, results["completion"])
    if "inference" in results:
        _show_inference(console, results["inference"])
    if "spread" in own:
        spread = own["spread"]
        console.print(
            f"over {len(spread['sets'])} sets of samples: {spread['mean']:.1f} nats, "
            f"standard deviation {spread['standard_deviation']:.2f}"
        )
    if "ScoreGap" in results["diversity"]:
        gap = results["diversity"]["ScoreGap"]
        console.print(
            f"D scores a training example above a test example {gap['auc']:.0%} of the time"
        )
    for warning in results["warnings"]:
        console.print(f"[yellow]warning:[/] {warning}")
    for warning in results["diversity"]["warnings"]:
        console.print(f"[red]warning:[/] {warning['name']}: {warning['message']}")
    if not results["diversity"]["warnings"]:
        console.print(f"no sign of collapse or memorization in {EXAMINED:,} samples")


def _show_completion(console: Console, found: dict) -> None:
    table = Table(title=f"{found['images']:,} test images completed from {found['known']}")
    table.add_column("missing pixels filled with")
    table.add_column("squared error", justify="right")
    for what, name in (
        (f"mean of {found['draws']} completions", "squared_error"),
        ("one completion", "squared_error_of_one"),
        ("nearest training image", "squared_error_of_nearest"),
        ("mean training image", "squared_error_of_mean"),
    ):
        table.add_row(what, f"{found[name]:.2f}")
    console.print(table)
    within = found["spread_within_class"]
    beside = "" if within is None else f"; of images of one class {within:.3f}"
    console.print(f"spread of the completions of an image {found['spread']:.3f}{beside}")
    for what, share in found.get("named_rightly", {}).items():
        console.print(f"the classifier names {share:.1%} rightly: {what}")


def _show_inference(console: Console, found: dict) -> None:
    recovered, calibrated = found["recovery"], found["calibration"]
    console.print(
        f"latents of samples: correlation with those inferred {recovered['mean']:.3f} over the "
        f"{recovered['used']} directions that carry {recovered['share']:.0%} of G's change"
    )
    pairs = zip(calibrated["masses"], calibrated["covered"], strict=True)
    console.print(
        "calibration of q: "
        + ", ".join(f"{covered:.1%} in regions of {mass:.0%}" for mass, covered in pairs)
    )
    for way, row in found.get("reconstruction", {}).items():
        console.print(
            f"test images, {way}: squared error {row['mean']:.2f} ± {row['standard_error']:.2f}"
        )


def _show_classes(console: Console, found: dict) -> None:
    if "likelihood" in found:
        nats, sigma = _cells(found["likelihood"])
        console.print(f"given the class: {nats} nats, sigma {sigma}")
    for c, names in found["warnings"].items():
        console.print(f"[red]warning within class {c}:[/] {', '.join(names)}")
    if "of_each_class" in found:
        worst = min(found["of_each_class"])
        console.print(
            f"the classifier names {found['named_as_asked']:.1%} of "
            f"{found['samples_of_each']:,} samples of each class as asked; of the worst "
            f"class {worst:.1%}"
        )


def _show_distances(console: Console, found: dict) -> None:
    table = Table(title=f"Against the test set, on {found['features']}")
    columns = ("", "Frechet", "kernel", "precision", "recall", "density", "coverage")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    for name, row in found.items():
        if name != "features":
            overlap = row["support"]
            table.add_row(
                f"{row['frechet']['generated']:,} {name}",
                f"{row['frechet']['distance']:.4g}",
                f"{row['kernel']['distance']:.3g}",
                *(f"{overlap[column]:.3f}" for column in columns[3:]),
            )
    console.print(table)


def _cells(row: dict) -> tuple[str, str]:
    sigma = f"{row['bandwidth']:.3f}" if "bandwidth" in row else "per fold"
    return f"{row['mean']:.1f} ± {row['standard_error']:.1f}", sigma


if __name__ == "__main__":
    sys.exit(main())
