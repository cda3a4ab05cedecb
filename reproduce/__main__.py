"""`python -m reproduce`: the paper's results, one command each, and one for all."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from keras_gan import command
from keras_gan.errors import InputError
from reproduce import experiments, page

_DESCRIPTION = """Make a result of the paper anew: its JSON in reproduce/results/, its pictures in
docs/pictures/reproduction/, and the page docs/reproduction.md.

  parzen_sanity   MNIST's training images and k-means centroids as samples (minutes)
  digits          the bundled digits, trained and evaluated (minutes)
  figure_1        Figure 1 with learnt networks (minutes)
  mnist           Table 1 and Figures 2a and 3: the paper's recipe (hours; see --epochs)
  tfd             what the row of the Toronto Face Database needs
  all             all of these
  page            the page alone, from the JSON files that there are

MNIST is read from TFDS_DATA_DIR. What was interrupted goes on when the same command is given again.

examples:
  python -m reproduce mnist --seed 1 --epochs 300
  python -m reproduce digits --run-dir runs/digits"""

RESULTS = ("parzen_sanity", "digits", "figure_1", "mnist", "tfd")


def parser() -> command.Parser:
    """The command line."""
    made = command.Parser(prog="python -m reproduce", description=_DESCRIPTION)
    made.add_argument("result", choices=(*RESULTS, "all", "page"), help="what to make")
    made.add_argument("--seed", type=int, default=0, metavar="INT", help="seed (0)")
    made.add_argument(
        "--epochs", type=int, default=1000, metavar="INT", help="epochs of mnist (1000)"
    )
    made.add_argument(
        "--run-dir",
        metavar="DIR",
        help="run directory of digits or mnist (runs/reproduce-<result>)",
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.errors`)."""
    return command.run(_main, argv, "reproduce")


def _main(argv: Sequence[str] | None) -> int:
    options = parser().parse_args(argv)
    if options.run_dir and options.result not in ("digits", "mnist"):
        raise InputError("--run-dir is for digits and mnist, which train")
    make = {
        "parzen_sanity": lambda: experiments.parzen_sanity(options.seed),
        "digits": lambda: experiments.digits(options.seed, options.run_dir),
        "figure_1": lambda: experiments.figure_1_learnt(options.seed),
        "mnist": lambda: experiments.mnist(options.seed, options.epochs, options.run_dir),
        "tfd": experiments.tfd,
    }
    for name in RESULTS if options.result == "all" else (options.result,):
        if name != "page":
            make[name]()
        page.write()
    print(f"written: {page.PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
