"""`keras-gan pack` and `keras-gan unpack`: a run as one file from which training continues."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_gan.cli import start_tensorflow  # noqa: F401

# isort: split
from keras_gan.cli import parsing
from keras_gan.experiment import packing
from keras_gan.experiment.run import Run

_PACK = """Write a run, finished or not, to one file from which training continues: its settings,
table of epochs, newest checkpoint and best models. Training that continues from the file has the
same bits as training that was never interrupted.

--small stores weights and their average as precisely as float16 does, the arrays of optimizers with
4 bits a number, and no best models: less than half the size, but other numbers from then on.

examples:
  keras-gan pack runs/mnist-5e6f7a8b --output mnist.kgan
  keras-gan pack runs/mnist-5e6f7a8b --output mnist.kgan --small"""
_UNPACK = """Make a run directory from a file of `keras-gan pack`. The train command that began the
run continues it there.

examples:
  keras-gan unpack mnist.kgan --run-dir runs/mnist
  keras-gan train --recipe mnist --run-dir runs/mnist"""


@parsing.command("pack")
def pack(argv: Sequence[str] | None = None) -> int:
    """Runs `keras-gan pack`; returns its exit code (see `keras_gan.core.errors`)."""
    parser = parsing.Parser(prog="keras-gan pack", description=_PACK)
    parser.add_argument("run", metavar="RUN", type=parsing.path, help="run directory")
    parser.add_argument(
        "--output", metavar="FILE", type=parsing.path, required=True, help="the new file"
    )
    parser.add_argument("--small", action="store_true", help="fewer bits and no best models")
    options = parser.parse_args(argv)
    run, output = Run.open(options.run), Path(options.output)
    parsing.check_output("--output", output)
    step = packing.pack(run, output, options.small)
    print(f"{output}: step {step:,} of {run.path}, {output.stat().st_size / 1e6:.1f} MB")
    return 0


@parsing.command("unpack")
def unpack(argv: Sequence[str] | None = None) -> int:
    """Runs `keras-gan unpack`; returns its exit code."""
    parser = parsing.Parser(prog="keras-gan unpack", description=_UNPACK)
    parser.add_argument("file", metavar="FILE", type=parsing.path, help="file of keras-gan pack")
    parser.add_argument(
        "--run-dir", metavar="DIR", type=parsing.path, required=True, help="the new run directory"
    )
    options = parser.parse_args(argv)
    run = packing.unpack(options.file, options.run_dir)
    place = shlex.quote(str(run.path))
    print(f"{run.path}: the same train command with --run-dir {place} continues it")
    return 0


if __name__ == "__main__":
    sys.exit(pack())
