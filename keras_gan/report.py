"""`keras-gan report`: one HTML file about a run, or about several side by side."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_gan.cli import start_tensorflow  # noqa: F401

# isort: split
from keras_gan import recipes
from keras_gan.cli import parsing
from keras_gan.experiment.run import Run
from keras_gan.experiment.working_copy import working_copy
from keras_gan.reporting import document

_DESCRIPTION = """Write a report: one HTML file, below 5 MB, that needs nothing else and can be
mailed. It shows samples, distance and verdict; settings, curves, samples over time,
interpolations, nearest training examples, classes; all numbers of evaluation.json with their
protocol; warnings with what to try next; how to load and serve the model.

examples:
  keras-gan report runs/digits-1a2b3c4d           writes runs/digits-1a2b3c4d/report.html
  keras-gan report runs/one runs/other --output both.html"""


@parsing.command("report")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    parser = parsing.Parser(prog="keras-gan report", description=_DESCRIPTION)
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs="+",
        type=parsing.path,
        help="run directories, presets, or .keras files",
    )
    parser.add_argument(
        "--output",
        type=parsing.path,
        metavar="FILE",
        help="the HTML file (RUN/report.html; of several runs report.html)",
    )
    parsing.add_dataset(parser)
    parsing.add_preprocessing(parser)
    parsing.add_data_dir(parser)
    parsing.add_trust(parser)
    options = parser.parse_args(argv)
    data = {"dataset": options.dataset, "preprocessing": options.preprocessing}
    runs = [working_copy(Run.open(run, options.trust_recipe, **data)) for run in options.runs]
    one = len(runs) == 1
    file = Path(options.output or (document.file_of(runs[0]) if one else "report.html"))
    parsing.check_output("the report", file)
    document.write(runs, file, functools.partial(recipes.data_of, data_dir=options.data_dir))
    print(f"written to {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
