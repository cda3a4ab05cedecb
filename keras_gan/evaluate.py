"""`keras-gan evaluate`: how good a run is, and how reliable the number."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_gan.cli import start_tensorflow  # noqa: F401

# isort: split
from keras_gan import plotting, recipes
from keras_gan.cli import parsing
from keras_gan.cli.results import show
from keras_gan.core.errors import InputError
from keras_gan.core.files import write_atomically
from keras_gan.core.settings import fields
from keras_gan.experiment.evaluator import EvaluationSettings, Evaluator
from keras_gan.experiment.run import Run
from keras_gan.training.sampling import with_truncation

_DESCRIPTION = """Measure a finished run: Parzen log-likelihood in the paper's protocol, with
published rows and rows that tell how to read it; distances on the features of EfficientNet-Lite0
or of a small classifier of the same data; and a search for collapse and memorization.
The numbers and their whole protocol go to evaluation.json in the run directory.

examples:
  keras-gan evaluate runs/digits-1a2b3c4d
  keras-gan evaluate runs/mnist-5e6f7a8b --weights ema --sets 5"""


@parsing.command("evaluate")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    parser = parsing.Parser(prog="keras-gan evaluate", description=_DESCRIPTION)
    parsing.add_run(parser)
    own = [f for f in fields(EvaluationSettings) if f.name not in ("weights", "truncation", "seed")]
    parsing.add_fields(parser.add_argument_group("measurements"), own)
    options = parser.parse_args(argv)
    settings = parsing.from_flags(EvaluationSettings, options)
    run = parsing.open_run(options)
    parsing.check_writable("the run directory", run.path)
    if settings.sets > 1:
        parsing.check_writable("the folder of pictures", run.path / "figures")
    file = run.path / "evaluation.json"
    _earlier(file)
    load_data = functools.partial(recipes.data_of, run, options.data_dir)
    results = Evaluator(run, load_data, settings).measure()
    entry = with_truncation(settings.weights, settings.truncation)
    write_atomically(file, parsing.as_json({**_earlier(file), entry: results}))
    show(results)
    print(f"written to {file}")
    if "gaussian_error" in results:
        print(_draw_reliability(run, results))
    return 0


def _earlier(file: Path) -> dict:
    """Earlier measurements, with other weights or another truncation."""
    try:
        found = json.loads(file.read_text()) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read; move it away") from error
    if not isinstance(found, dict):
        raise InputError(f"{file} must hold an object of JSON; move it away")
    return found


def _draw_reliability(run: Run, results: dict) -> Path:
    """Draws the spread over sets of samples and the error on known Gaussians."""
    file = run.path / "figures" / "reliability.png"
    sets, errors = results["likelihood"]["spread"]["sets"], results["gaussian_error"]
    picture = plotting.reliability(
        [row["mean"] for row in sets],
        [row["standard_error"] for row in sets],
        [row["dimension"] for row in errors],
        [row["error"] for row in errors],
    )
    plotting.save_image(picture, file)
    return file


if __name__ == "__main__":
    sys.exit(main())
