"""`keras-gan train`: from a recipe to a run directory."""

from __future__ import annotations

import math
import os
import shlex
import signal
import sys
from collections.abc import Sequence

from keras_gan.cli import start_tensorflow  # noqa: F401

# isort: split
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keras_gan import data, recipes
from keras_gan.cli import parsing
from keras_gan.core.errors import InputError, first_line
from keras_gan.core.settings import fields
from keras_gan.experiment import distribution, training
from keras_gan.experiment.job import Job, Options
from keras_gan.experiment.recipe import Recipe
from keras_gan.experiment.run import Run
from keras_gan.experiment.session import Interruption
from keras_gan.experiment.settings import RunSettings
from keras_gan.reporting import document, facts
from keras_gan.training import checkpoints

_DESCRIPTION = """Train a generative adversarial net and leave a run directory.

examples:
  keras-gan train                                  the bundled digits, some minutes
  keras-gan train --recipe mnist --epochs 50       the paper's MNIST nets
  keras-gan train --recipe mnist --help            its settings
  keras-gan train --dataset fashion_mnist --download
  keras-gan train --dataset photos/ --budget 8h    a folder of pictures
  keras-gan train --recipe my_recipe.py            a file that defines Settings and build
  keras-gan train --recipe mnist --dry-run         shapes, parameters, memory, steps

G is the generator, D the discriminator, z the latents that G makes a sample from.
The same command continues an interrupted run where it stopped. More --epochs continue a finished
run; any other setting of the recipe makes another run."""
# Flags of StyleGAN2-ADA's and lightweight-gan's training: those in docs/coming_from, and some more.
_TRANSLATED = {
    "--outdir": "--run-dir",
    "--data": "--dataset",
    "--data-path": "--dataset",
    "--cfg": "--recipe",
    "--cond": "--classes",
    "--mirror": "--flip on",
    "--subset": "--dataset, a folder with fewer pictures",
    "--kimg": "--images, the number of pictures and not of thousands",
    "--batch": "--batch-size",
    "--aug": "--augment",
    **dict.fromkeys(("--target", "--p", "--augpipe"), "keras_gan.augmentation.ADA, in Python"),
    "--resume": "--init; an interrupted run goes on with the same command",
    "--freezed": "--freeze",
    **dict.fromkeys(("--gpus", "--multi-gpus"), "--strategy mirrored, for all GPUs"),
    "--fp32": "--precision",
    **dict.fromkeys(
        ("--snap", "--save-every"), "--checkpoint-minutes, besides the checkpoint of each epoch"
    ),
    "--metrics": "--distance-every, or keras-gan evaluate",
    **dict.fromkeys(
        ("--lr", "--learning-rate"), "--generator-learning-rate and --discriminator-learning-rate"
    ),
    "--name": "--run-dir",
    "--new": "another --run-dir",
    "--image-size": "--size",
    "--transparent": "--alpha keep, the default",
    "--greyscale": "--channels 1",
    "--gradient-accumulate-every": "--accumulate; --batch-size counts all parts",
    "--num-train-steps": "--images, the number of pictures",
    "--fmap-max": "--width",
    **dict.fromkeys(("--aug-prob", "--aug-types"), "--augment, with a probability by rule"),
    "--dataset-aug-prob": "--flip and --crop",
    "--amp": "--precision mixed_bfloat16",
    "--load-from": "the newest checkpoint, which the same command continues from",
    "--evaluate-every": "a grid in samples/ after each epoch, at most one a minute",
    "--calculate-fid-every": "--distance-every, in epochs",
    **dict.fromkeys(("--generate", "--generate-types"), "keras-gan generate"),
    "--show-progress": "samples.gif, which a finished run has",
    "--generate-interpolation": "interpolation.webp, which a finished run has",
    "--attn-res-layers": "layers.SelfAttention, in networks of your own",
}


@parsing.command("train")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    if os.getpid() == 1:  # of a container, to which the system sends only signals that are handled
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    distribution.set_threads()
    recipe, settings, options = _read(list(sys.argv[1:] if argv is None else argv))
    strategy = distribution.make(options.strategy)
    with Interruption() as asked:
        job = Job(recipe, settings, options, strategy)
        with job.workers.parting():
            run = None if options.dry_run else training.train(job, asked)
        if run is not None:  # a finished run gets its report, which no later start would write
            _conclude(job, run)
    if options.dry_run:
        _show(job)
    return 0


def _read(argv: list[str]) -> tuple[Recipe, RunSettings, Options]:
    """The recipe, settings and options of the command line."""
    first = parsing.Parser(add_help=False)
    first.add_argument("--recipe")
    first.add_argument("--dataset")
    known, _ = first.parse_known_args(argv)
    default = _default_recipe(known.dataset)
    recipe = recipes.get(default if known.recipe is None else known.recipe)

    parser = parsing.Parser(
        prog="keras-gan train", description=_DESCRIPTION, translated=_TRANSLATED
    )
    parser.add_argument(
        "--recipe", metavar="NAME", help=f"one of {', '.join(recipes.NAMES)}, or a .py file"
    )
    title = f"settings of recipe {recipe.name} (another value: another run)"
    parsing.add_fields(parser.add_argument_group(title), fields(recipe.settings))
    parsing.add_fields(parser.add_argument_group("data, devices and checkpoints"), fields(Options))
    values, unknown = parser.parse_known_args(argv)
    if unknown:
        raise InputError(_unknown(unknown[0], recipe, parser))
    return recipe, parsing.from_flags(recipe.settings, values), parsing.from_flags(Options, values)


def _default_recipe(dataset: str | None) -> str:
    """The recipe for a data set where none is named."""
    if dataset in (None, "mnist_10k"):
        return "mnist_10k"
    if dataset == "digits":
        return "digits"
    return "own_data" if data.holds_points(dataset) else "pictures"


def _show(job: Job) -> None:
    """Prints data, memory, steps and networks of a job."""
    gan, settings = job.gan, job.settings
    state_bytes = sum(
        math.prod(v.shape) * v.value.dtype.size for v in checkpoints.state(gan).values()
    )
    data_bytes = job.training_data.examples.nbytes
    networks = {"generator": gan.generator, "discriminator": gan.discriminator}
    networks |= {auxiliary.name: auxiliary.network for auxiliary in gan.auxiliary_networks}
    rows = {
        "data": f"{job.data_set.name}: {job.size:,} examples of shape {gan.example_shape}",
        "latents": f"{gan.prior}",
        "condition": f"{gan.condition or 'none'}",
        **{name: f"{network.count_params():,} parameters" for name, network in networks.items()},
        "memory": f"{state_bytes / 2**20:,.0f} MiB of state, {data_bytes / 2**20:,.0f} MiB of data",
        "update": f"{gan.update}, k = {settings.discriminator_steps}, m = {settings.batch_size}",
        "steps": f"{job.steps_per_epoch:,} an epoch x {settings.epochs} epochs",
        "dropped": f"{job.dropped_examples} examples an epoch, chosen at random",
        "replicas": f"{job.replicas} ({job.options.strategy})",
        "run directory": f"{job.run_dir}",
    }
    table = Table("", "", show_header=False, title=escape(f"recipe {job.recipe.name}"))
    table.columns[1].overflow = "fold"  # no path is cut
    for name, value in rows.items():
        table.add_row(name, escape(value))
    Console().print(table)
    gan.generator.summary()
    gan.discriminator.summary()


def _conclude(job: Job, run: Run) -> None:
    """Writes the report of a finished run, and tells what to do next."""
    file = document.file_of(run)
    try:
        document.write([run], file, lambda _: job.data_set)
        known = facts.of_run(run)
    except Exception as error:  # whatever it is, the run is finished
        print(f"no report: {first_line(error)}", file=sys.stderr)
        return
    trust = " --trust-recipe" if run.recipe_file else ""
    print(
        f"report: {file}\nto measure it: {known.evaluate}\n"
        "to explore it, with the server installed (pip install '.[serving]'): "
        f"keras-gan serve {shlex.quote(str(run.path))} --weights {known.weights}{trust}"
    )


def _unknown(argument: str, recipe: Recipe, parser: parsing.Parser) -> str:
    flag, flags = argument.partition("=")[0], recipes.flags()
    if flag == "--dataset" and recipe.has_own_data:
        return f"recipe {recipe.name!r} brings its own data; leave out --dataset"
    if flag not in _TRANSLATED and (others := flags.get(flag)):
        return f"recipe {recipe.name!r} has no {flag}; recipes that have it: {', '.join(others)}"
    named = "" if flag.startswith("-") else "; pictures and other data are named with --dataset"
    return f"unrecognized argument {argument}{named}{parser.similar(argument, flags)} (see --help)"


if __name__ == "__main__":
    sys.exit(main())
