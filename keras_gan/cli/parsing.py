"""Shared by the commands: one-line errors, exit codes, flags from classes of settings."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import functools
import itertools
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import tensorflow as tf

from keras_gan.core.errors import (
    InputError,
    SurroundingsError,
    TrainingError,
    faulty_file,
    first_line,
    question,
)
from keras_gan.core.files import flush_output
from keras_gan.core.paths import check_path
from keras_gan.core.settings import Field, fields
from keras_gan.experiment.run import WEIGHTS, Run
from keras_gan.experiment.working_copy import working_copy

_Settings = TypeVar("_Settings")
_Main = Callable[..., int]  # from a sequence of arguments, or None for those of the process


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line.

    Args:
        translated: Flags of commands like this one in other packages, and what they are here.
        **kwargs: As of `argparse.ArgumentParser`.
    """

    def __init__(self, *, translated: Mapping[str, str] | None = None, **kwargs):
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs
        )
        self._translated = translated or {}

    def error(self, message: str) -> NoReturn:
        """Raises what `run` prints."""
        raise InputError(f"{message} (see --help)")

    def parse_args(self, args=None, namespace=None):
        """As argparse's, with the nearest flag in the error of an unknown one."""
        args = list(sys.argv[1:] if args is None else args)
        given = [a for a in itertools.takewhile("--".__ne__, args) if a.startswith("--")]
        known = self._flags
        # Before argparse misses the flag that one of them was meant to be.
        self._refuse([a for a in given if a.partition("=")[0] not in known])
        values, unknown = self.parse_known_args(args, namespace)
        self._refuse(unknown)
        return values

    def _refuse(self, unknown: Sequence[str]) -> None:
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self.similar(unknown[0])}")

    def similar(self, argument: str, others: Iterable[str] = ()) -> str:
        """The end of a message on an unknown argument: which flag, also of others, was meant."""
        if not argument.startswith("-"):
            return "; a name with spaces needs quotes"
        flag = argument.partition("=")[0]
        if here := self._translated.get(flag.replace("_", "-")):
            return f"; here it is {here}"
        names = [flag.removeprefix("--") for flag in (*self._flags, *others)]  # alike in the dashes
        near = difflib.get_close_matches(flag.lstrip("-"), names, n=1)
        return question([f"--{name}" for name in near])

    @property
    def _flags(self) -> list[str]:
        return ["--help", *re.findall(r"--[a-z0-9-]+", self.format_usage())]


def integer(least: int, most: int) -> Callable[[str], int]:
    """The type of an argument: an int within limits."""

    def read(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}. Received: {number}")
        return number

    read.__name__ = "int"
    return read


seed = integer(0, 2**32 - 1)  # NumPy and scikit-learn take these


def path(text: str) -> str:
    """The type of an argument: the text of a path; shells leave the ~ of `--output=~/a` alone."""
    text = os.path.expanduser(text)
    try:
        check_path("the path", text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def add_model(parser: argparse.ArgumentParser) -> None:
    """Adds the model that a command takes, and what a `.keras` file does not say about it."""
    text = "run directory, preset (a name, a directory, hf:// or kaggle://) or .keras file of a GAN"
    parser.add_argument("run", metavar="RUN", type=path, help=text)
    add_preprocessing(parser)
    add_trust(parser)


def add_preprocessing(parser: argparse.ArgumentParser) -> None:
    """Adds what a `.keras` file does not say about its images."""
    text = "scale of a .keras file's images: unit_range, [0, 1], or symmetric_range, [-1, 1]"
    parser.add_argument("--preprocessing", metavar="NAME", help=text)


def add_run(parser: argparse.ArgumentParser) -> None:
    """Adds what each command that measures or draws a run takes."""
    add_model(parser)
    add_dataset(parser)
    add_samples(parser)
    add_data_dir(parser)


def add_samples(parser: argparse.ArgumentParser) -> None:
    """Adds which samples of a model are meant."""
    add_weights(parser)
    add_truncation(parser)
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="INT", help="seed of the samples (0)"
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Adds which weights of G are meant."""
    parser.add_argument(
        "--weights", default="last", metavar="WHICH", help=f"{', '.join(WEIGHTS)} (last)"
    )


def _factor(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a finite number of at least 0. Received: {text}")
    return number


_factor.__name__ = "float"


def add_truncation(parser: argparse.ArgumentParser) -> None:
    """Adds what G multiplies latents by."""
    parser.add_argument(
        "--truncation",
        type=_factor,
        default=1.0,
        metavar="FLOAT",
        help="what latents are multiplied by: with less than 1 samples are cleaner and more alike, "
        "with more than 1 they vary more (1)",
    )


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Adds the data of a run that does not name them, or not where they are now."""
    text = "data of a .keras file, or the place to which the data of a run were moved"
    parser.add_argument("--dataset", type=path, metavar="NAME", help=text)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Adds the place of a run's data."""
    parser.add_argument(
        "--data-dir",
        type=path,
        metavar="DIR",
        help="directory of tensorflow-datasets (the run's)",
    )


def open_run(options: argparse.Namespace) -> Run:
    """The run that `add_run` named; of a preset or a file its copy in `runs/`, for the results."""
    run = Run.open(
        options.run,
        options.trust_recipe,
        dataset=options.dataset,
        preprocessing=options.preprocessing,
    )
    writable = working_copy(run)
    if writable is not run:
        print(f"results go to {writable.path}, a copy of {run.path}")
    return writable


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Adds the flag without which no command runs a recipe file that a run directory names."""
    parser.add_argument(
        "--trust-recipe",
        action="store_true",
        help="run the recipe file that the run names, which may contain any Python code",
    )


def add_fields(parser: Any, added: Iterable[Field]) -> None:
    """Adds a flag for each setting of a class to a parser or a group of one."""
    for field in added:
        text = field.help
        kind: dict[str, Any] = {"type": field.kind, "metavar": field.kind.__name__.upper()}
        if field.kind is bool:
            kind = {"action": argparse.BooleanOptionalAction if field.default else "store_true"}
            text += " (yes)" if field.default else ""
        elif field.default is not None:
            text += f" ({'none' if field.default == '' else field.default})"
        text = text.replace("%", "%%")
        parser.add_argument(field.flag, default=field.default, help=text, **kind)


def from_flags(settings: type[_Settings], values: argparse.Namespace) -> _Settings:
    """The settings of a class whose flags were added by `add_fields`."""
    return settings(**{field.name: getattr(values, field.name) for field in fields(settings)})


def check_output(name: str, file: str | Path, *sources: str) -> None:
    """Tries the place of a file that results will go to, before any work.

    Args:
        name: Of the file, for messages.
        file: The file; one that is there will be replaced.
        *sources: Files and names of data that are read, none of which it may be.
    """
    if Path(file).is_dir():
        raise InputError(f"{name} must be a file, but {file} is a folder")
    for source in sources:
        if Path(file).exists() and Path(source).exists() and Path(file).samefile(source):
            raise InputError(f"{name} would replace {source}, which is read; choose another file")
    check_writable(f"the folder of {name}", Path(file).parent)


def check_writable(name: str, folder: Path) -> None:
    """Tries a folder that results will go to, and makes it if need be, before any work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"1")  # a full disk takes files, but no bytes
    except OSError as error:
        raise InputError(f"{name} {folder} cannot be written: {error.strerror}") from error


def as_json(value: Any, indent: int | None = 1) -> str:
    """Results as JSON, which has no NaN and no infinite numbers: null stands for these."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def command(name: str) -> Callable[[_Main], _Main]:
    """Decorates the function of a command, of that name in messages, so that `run` calls it."""

    def decorated(main: _Main) -> _Main:
        return functools.wraps(main)(lambda argv=None: run(main, argv, name))

    return decorated


def run(main: _Main, argv: Sequence[str] | None, name: str) -> int:
    """Runs a command; an error of ours, or of the disk, is one line on stderr and its exit code."""
    try:
        code = main(argv)
        flush_output()
        return code
    except (InputError, TrainingError) as error:
        print(f"{name}: {error.heading}: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return error.exit_code
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        print(f"{name}: error: too little memory: {first_line(error)}", file=sys.stderr)
        return SurroundingsError.exit_code
    except OSError as error:
        fault = f"{faulty_file(error)}: {error.strerror or first_line(error)}"
        print(f"{name}: error: {fault}", file=sys.stderr)
        return SurroundingsError.exit_code
    except KeyboardInterrupt:
        print(f"{name}: ended at once", file=sys.stderr)
        return 130
    finally:  # what cannot be written has been reported
        with contextlib.suppress(OSError):
            flush_output()
