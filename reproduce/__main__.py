"""`python -m reproduce`: the paper's results, one command each, and one for all."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from keras_gan.cli import parsing
from keras_gan.core.errors import InputError
from reproduce import cifar10, efficiency, experiments, page, smoothing, variants

_DESCRIPTION = """Make a result of the paper anew: its JSON in reproduce/results/, its pictures in
docs/pictures/reproduction/, and the page docs/reproduction.md.

  parzen_sanity   MNIST's training images and k-means centroids as samples (minutes)
  smoothing       likelihood and recall of images and samples that were blurred (minutes)
  digits          the bundled digits, trained and evaluated (minutes)
  figure_1        Figure 1 with learned networks (minutes)
  mnist           Table 1 and Figures 2a and 3: the paper's recipe (2.6 hours; 1000 epochs)
  mnist_tuned     the same networks under our settings (a quarter of an hour; the recipe's epochs)
  variants        the recipe and other rules, losses and numbers of steps (20 minutes; 10 epochs)
  hypotheses      the recipe and other readings of it (about an hour; 20 epochs)
  efficiency      section 7: what makes the pair train faster (hours; 20 epochs)
  cifar10_mlp     Figure 2c: losses, speed and samples (hours; the recipe's epochs)
  cifar10_conv    Figure 2d, likewise
  cifar10_conv_tuned
                  its networks under our settings
  digits_conditional, mnist_conditional, digits_inference, mnist_inference, mnist_inpainting,
  mnist_semi_supervised
                  section 7: classes, latents, missing pixels, few labels (minutes; MNIST: an hour)
  tfd             what the row of the Toronto Face Database needs
  all             all of these
  page            the page alone, from the JSON files that there are, and docs/tables.md

MNIST and CIFAR-10 are read from TFDS_DATA_DIR. What was interrupted goes on when the same command
is given again: variants, hypotheses and efficiency with the lines that their file lacks, so remove
the file in reproduce/results/ to make them anew.

examples:
  python -m reproduce mnist --seed 1 --epochs 300
  python -m reproduce digits --run-dir runs/digits"""

RESULTS = (
    "parzen_sanity",
    smoothing.NAME,
    "digits",
    "figure_1",
    "mnist",
    "mnist_tuned",
    *variants.TABLES,
    "efficiency",
    *cifar10.RECIPES,
    *experiments.EXTENSIONS,
    "tfd",
)
_TRAIN = (
    "digits",
    "mnist",
    "mnist_tuned",
    *cifar10.RECIPES,
    *experiments.EXTENSIONS,
)
_EPOCHS = (*_TRAIN[1:], *variants.TABLES, "efficiency", "all")


def parser() -> parsing.Parser:
    """The command line."""
    made = parsing.Parser(prog="python -m reproduce", description=_DESCRIPTION)
    made.add_argument("result", choices=(*RESULTS, "all", "page"), help="what to make")
    made.add_argument("--seed", type=parsing.seed, default=0, metavar="INT", help="seed (0)")
    made.add_argument("--epochs", type=int, metavar="INT", help="epochs, where others make sense")
    made.add_argument(
        "--run-dir", metavar="DIR", help="run directory of what trains (runs/reproduce-<result>)"
    )
    made.add_argument(
        "--networks",
        default="",
        metavar="RUN",
        help="for inference: a finished run whose networks stay as they are",
    )
    made.add_argument(
        "--precision", default="float32", metavar="NAME", help="for CIFAR-10: as of training"
    )
    made.add_argument(
        "--data-note",
        default="",
        metavar="TEXT",
        help="what a reader must know of the copy of CIFAR-10, such as 'JPEG copy'",
    )
    return made


@parsing.command("reproduce")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    argv = list(sys.argv[1:] if argv is None else argv)
    options = parser().parse_args(argv)
    seed, epochs, run_dir = options.seed, options.epochs, options.run_dir
    if run_dir and options.result not in _TRAIN:
        raise InputError(f"--run-dir is for what trains: {', '.join(_TRAIN)}")
    if epochs is not None and (epochs < 1 or options.result not in _EPOCHS):
        raise InputError(f"--epochs must be at least 1, and is for {', '.join(_EPOCHS)}")
    if options.networks and not options.result.endswith("_inference"):
        raise InputError("--networks is for digits_inference and mnist_inference")
    if options.precision != "float32" and not options.result.startswith("cifar10"):
        raise InputError(f"--precision is for {', '.join(cifar10.RECIPES)}")
    make = {
        "parzen_sanity": lambda: experiments.parzen_sanity(seed),
        smoothing.NAME: lambda: smoothing.measure(seed),
        "digits": lambda: experiments.digits(seed, run_dir),
        "figure_1": lambda: experiments.figure_1_learned(seed),
        "mnist": lambda: experiments.mnist(seed, epochs or 1000, run_dir),
        "mnist_tuned": lambda: experiments.mnist_tuned(seed, epochs, run_dir),
        **{
            name: lambda name=name: variants.measure(name, seed, epochs or variants.EPOCHS[name])
            for name in variants.TABLES
        },
        "efficiency": lambda: efficiency.measure(seed, epochs or 20),
        "tfd": experiments.tfd,
        **{
            name: lambda name=name: cifar10.measure(
                name, seed, epochs, run_dir, options.data_note, options.precision
            )
            for name in cifar10.RECIPES
        },
        **{
            name: lambda name=name: experiments.extension(
                name, seed, epochs, run_dir, options.networks
            )
            for name in experiments.EXTENSIONS
        },
    }
    for name in RESULTS if options.result == "all" else (options.result,):
        if name != "page":
            make[name]()
        page.write()
    print(f"written: {page.PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
