"""`python -m keras_gan.train`: from a recipe to a run directory."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence

from keras_gan import recipes
from keras_gan.cli import parsing
from keras_gan.core.errors import InputError
from keras_gan.experiment import distribution
from keras_gan.experiment.job import Job, recipe_name

_DESCRIPTION = """Train a generative adversarial net and leave a run directory.

examples:
  python -m keras_gan.train                                  the bundled digits, about a minute
  python -m keras_gan.train --recipe mnist --epochs 50       the paper's MNIST nets
  python -m keras_gan.train --dataset fashion_mnist --download
  python -m keras_gan.train --dataset photos/ --epochs 20    a folder of images of one size
  python -m keras_gan.train --recipe my_recipe.py            a file that defines RECIPE
  python -m keras_gan.train --recipe mnist --dry-run         shapes, parameters, memory, steps

The same command goes on where an interrupted run stopped. More --epochs continue a finished run;
any setting that changes a number makes another run."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    return parsing.run(_main, argv, "train")


def _main(argv: Sequence[str] | None) -> int:
    recipe, options = _parse(argv)
    job = Job(recipe, options)
    if options.dry_run:
        job.describe()
        return 0
    return job.train()


def _parse(argv: Sequence[str] | None):
    argv = list(sys.argv[1:] if argv is None else argv)
    first = parsing.Parser(add_help=False)
    first.add_argument("--recipe")
    first.add_argument("--dataset")
    known, _ = first.parse_known_args(argv)
    recipe = recipes.get(recipe_name(known))

    parser = parsing.Parser(prog="python -m keras_gan.train", description=_DESCRIPTION)
    run = parser.add_argument_group("the run")
    run.add_argument(
        "--recipe", metavar="NAME", help=f"one of {', '.join(recipes.NAMES)}, or a .py file"
    )
    run.add_argument(
        "--seed", type=int, default=0, metavar="INT", help="seed of everything random (0)"
    )
    run.add_argument(
        "--run-dir", metavar="DIR", help="run directory (runs/<recipe>-<hash of its identity>)"
    )
    run.add_argument(
        "--data-dir", metavar="DIR", help="directory of tensorflow-datasets (TFDS_DATA_DIR)"
    )
    run.add_argument(
        "--download", action="store_true", help="let tensorflow-datasets download the data"
    )
    run.add_argument(
        "--stream",
        action="store_true",
        help="leave the training images on disk and read them while training",
    )
    run.add_argument(
        "--shuffle-mebibytes",
        type=int,
        default=256,
        metavar="INT",
        help="memory of the buffer that mixes streamed images (256)",
    )
    run.add_argument("--fold", type=int, metavar="INT", help="fold of TFD, 0 to 4 (0)")
    run.add_argument("--dry-run", action="store_true", help="say what would be trained, and stop")
    execution = parser.add_argument_group(
        "devices and watching (another choice continues the same run)"
    )
    execution.add_argument(
        "--strategy",
        default="default",
        metavar="NAME",
        help=f"one of {', '.join(distribution.NAMES)} (default)",
    )
    execution.add_argument(
        "--steps-per-execution",
        type=int,
        default=0,
        metavar="INT",
        help="steps per call into TensorFlow (by rule)",
    )
    execution.add_argument(
        "--monitor-every",
        type=int,
        default=0,
        metavar="INT",
        help="epochs between two looks for a collapse of G, with warnings (0: never)",
    )
    survival = parser.add_argument_group("survival (changes no number)")
    survival.add_argument(
        "--checkpoint-dir",
        metavar="DIR",
        help="where the checkpoints go, also by URL, such as gs://bucket/run (RUN/checkpoints)",
    )
    survival.add_argument(
        "--keep-checkpoints",
        type=int,
        default=2,
        metavar="INT",
        help="checkpoints that stay beside the best (2)",
    )
    survival.add_argument(
        "--checkpoint-minutes",
        type=float,
        default=10,
        metavar="FLOAT",
        help="save within an epoch after so many minutes; at its end always (10)",
    )
    survival.add_argument(
        "--nan-retries",
        type=int,
        default=0,
        metavar="INT",
        help="how often NaN or Inf sends the run back to its last checkpoint, "
        "with other noise (0: it stops)",
    )
    numerics = parser.add_argument_group("numerics (another value is another run)")
    numerics.add_argument(
        "--precision", default="float32", metavar="NAME", help="float32 or mixed_bfloat16 (float32)"
    )
    numerics.add_argument("--jit", action="store_true", help="compile with XLA")
    parsing.add_settings(parser.add_argument_group(f"settings (of recipe {recipe.name})"), recipe)
    options = parser.parse_args(argv)
    if recipe.source is not None and known.dataset is not None:
        raise InputError(f"recipe {recipe.name!r} brings its own data; leave out --dataset")
    settings = {name: getattr(options, name) for name in recipe.settings()}
    return dataclasses.replace(recipe, **settings), options


if __name__ == "__main__":
    sys.exit(main())
