"""`keras-gan generate`: samples of a finished run as files."""

from __future__ import annotations

import functools
import itertools
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from keras_gan.cli import start_tensorflow  # noqa: F401

# isort: split
import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from keras_gan import plotting
from keras_gan.cli import parsing
from keras_gan.conditioning import Classes, Vectors
from keras_gan.core.errors import InputError
from keras_gan.core.files import new_folder, replacing
from keras_gan.data import Identity
from keras_gan.experiment.run import Run

_DESCRIPTION = """Generate samples with a finished run, a preset or a .keras file of a GAN. What
--output is called says what is written:

  samples/       a new folder with one PNG file for each sample
  samples.png    one picture of all
  samples.npz    the array x, float32 [n, ...]: images in [0, 1], or points

The same seed gives the same samples as `GAN.generate` in Python, and as an export of the model.

examples:
  keras-gan generate runs/pictures-1a2b3c4d --weights ema --output samples/
  keras-gan generate mnist_conditional --condition 3 --output threes.png
  keras-gan generate RUN --condition cat dog --output pets.png
  keras-gan generate RUN --samples 10000 --truncation 0.7 --output samples.npz"""
# Flags of StyleGAN2-ADA's generate.py and of lightweight-gan --generate.
_TRANSLATED = {
    "--network": "RUN, the first argument",
    "--outdir": "--output",
    "--seeds": "--samples, how many; one --seed is for all of them",
    "--num-image-tiles": "--samples",
    **dict.fromkeys(("--trunc", "--trunc-psi"), "--truncation"),
    "--class": "--condition",
}
_BATCH = 250  # samples made at a time
_MOST_IN_A_PICTURE = 10_000


@parsing.command("generate")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    parser = parsing.Parser(
        prog="keras-gan generate", description=_DESCRIPTION, translated=_TRANSLATED
    )
    parsing.add_model(parser)
    parser.add_argument(
        "--output", type=parsing.path, required=True, metavar="PATH", help="a new folder or a file"
    )
    parser.add_argument(
        "--samples", type=parsing.integer(1, 10**6), default=64, metavar="INT", help="how many (64)"
    )
    parsing.add_samples(parser)
    parser.add_argument(
        "--condition",
        type=_class,
        nargs="+",
        metavar="CLASS",
        help="the class, or classes in turn, by number or by name; drawn at random without it",
    )
    options = parser.parse_args(argv)
    run = Run.open(options.run, options.trust_recipe, preprocessing=options.preprocessing)
    n, classes = options.samples, None
    if isinstance(run.condition, Vectors):
        raise InputError(
            f"the condition of {run.path} is a vector for each sample: give them in Python, "
            "keras_gan.Run.open(RUN).samples(n, condition=vectors)"
        )
    if options.condition is not None:
        if not isinstance(run.condition, Classes):
            raise InputError(f"{run.path} has no classes: leave out --condition")
        classes = np.resize(run.condition.numbers(options.condition), n)
    sampler = run.sampler(options.weights, options.truncation)
    if options.weights == "last" and run.gan().ema_generator is not None:
        text = "samples of the last weights; those of --weights ema are nearly always better"
        print(text, file=sys.stderr)
    batches = _finite(sampler.batches(n, options.seed, classes, _BATCH), run)
    write = _writer(run, options.output, n)
    console = Console(stderr=True)
    silent = not console.is_terminal
    write(track(batches, total=-(-n // _BATCH), console=console, transient=True, disable=silent))
    print(options.output)
    return 0


def _class(text: str) -> int | str:
    """A class by its number, else by its name."""
    return int(text) if text.isdecimal() else text


def _finite(batches: Iterable[np.ndarray], run: Run) -> Iterator[np.ndarray]:
    """The batches, if all numbers are finite: a PNG file would show others as black."""
    for batch in batches:
        if not np.isfinite(batch).all():
            raise InputError(f"{run.path} generates NaN or infinite numbers; try other --weights")
        yield batch


def _writer(run: Run, name: str, n: int) -> Callable[[Iterable[np.ndarray]], None]:
    """A function that writes batches of samples; a wrong name is refused before they are made."""
    output, shape = Path(name), tuple(run.config["example_shape"])
    kind = "" if name.endswith(os.sep) else output.suffix.lower()
    if kind not in ("", ".png", ".npz"):
        raise InputError(
            "--output must be a new folder, or a file that ends in .png or .npz; a folder with a "
            f"dot in its name ends in {os.sep}. Received: {name}"
        )
    if kind != ".npz" and (len(shape) != 3 or isinstance(run.preprocessing, Identity)):
        raise InputError(
            f"{run.path} generates points of shape {list(shape)}: --output must end in .npz; "
            "for images of a .keras file, add --preprocessing"
        )
    if kind == "":
        if shape[-1] > 4:
            raise InputError(f"PNG files have 1 to 4 channels, not {shape[-1]}: use --output x.npz")
        if os.path.lexists(output):
            raise InputError(f"--output {output} exists; choose a new folder")
        parsing.check_writable("the folder of --output", output.parent)
        return functools.partial(_write_files, output, len(str(n - 1)))
    if kind == ".png" and n > _MOST_IN_A_PICTURE:
        raise InputError(
            f"a picture has at most {_MOST_IN_A_PICTURE:,} samples: choose a folder or a .npz file"
        )
    parsing.check_output("--output", output)
    if kind == ".png":
        return functools.partial(_write_picture, output)
    return functools.partial(_write_array, output, (n, *shape))


def _write_files(output: Path, digits: int, batches: Iterable[np.ndarray]) -> None:
    with new_folder(output) as folder:
        images = itertools.chain.from_iterable(batches)
        for index, image in enumerate(images):
            pixels = np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)  # [h, w, c]
            gray = pixels.shape[-1] == 1
            Image.fromarray(pixels[..., 0] if gray else pixels).save(
                folder / f"{index:0{digits}d}.png"
            )


def _write_picture(output: Path, batches: Iterable[np.ndarray]) -> None:
    plotting.save_image(plotting.grid(np.concatenate(list(batches))), output)


def _write_array(output: Path, shape: tuple[int, ...], batches: Iterable[np.ndarray]) -> None:
    """As `np.savez`, but a batch at a time, so that not all need to be in memory."""
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with (
        replacing(output) as temporary,
        zipfile.ZipFile(temporary, "w") as archive,
        archive.open("x.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, header)
        for batch in batches:
            file.write(batch.astype("<f4", copy=False).tobytes())


if __name__ == "__main__":
    sys.exit(main())
