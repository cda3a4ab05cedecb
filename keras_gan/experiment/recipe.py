"""`Recipe`: a module with settings and the function that makes a model of them.

A recipe, one of keras_gan's or a user's file, is a Python module that defines

    Settings    a frozen dataclass that inherits `keras_gan.experiment.Settings`
    build       from settings and `TrainingData` to a model and the arguments of its `compile`

and, if it needs them,

    load_data       from settings to a `DataSet`: for data that the recipe makes itself
    training_set    from settings and a `DataSet` to the one that is learned from, with few labels
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.util
import os
import sys
import traceback
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from keras_gan.core.errors import InputError, first_line, question
from keras_gan.core.paths import check_path, similar
from keras_gan.core.settings import fields
from keras_gan.data import DataSet, PictureOptions, load
from keras_gan.experiment.settings import RunSettings
from keras_gan.training.gan import GAN


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """The data that a model is made for.

    Attributes:
        examples: On the networks' scale, float32 `[n, ...]`; of a stream or of pictures that are
            read batch by batch, some of them.
        labels: int64, those of `examples` first, -1 where unknown; None for data without.
        size: Number of training examples, which may be more than `examples` has.
        steps_per_epoch: Steps of an epoch, each an update of G.
        label_names: The meanings of labels 0, 1, ..., or None.
    """

    examples: np.ndarray
    labels: np.ndarray | None
    size: int
    steps_per_epoch: int
    label_names: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        settings: RunSettings,
        examples: np.ndarray,
        labels: np.ndarray | None = None,
        *,
        size: int | None = None,
        label_names: tuple[str, ...] | None = None,
    ) -> Self:
        """The data under these settings, which fix the steps of an epoch."""
        size = len(examples) if size is None else size
        return cls(examples, labels, size, max(1, settings.steps_per_epoch(size)), label_names)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self.examples.shape[1:]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A recipe's module, checked.

    Attributes:
        name: Its name; of a file, without its folder and ending.
        module: The module.
        source: Its name, or the file's absolute path, which finds it from another folder, too.
        content: 16 hexadecimal digits that stand for a file's content; None for keras_gan's own.
    """

    name: str
    module: types.ModuleType
    source: str
    content: str | None = None

    def __post_init__(self) -> None:
        """Checks what the module defines."""
        settings = getattr(self.module, "Settings", None)
        if not (
            isinstance(settings, type)
            and issubclass(settings, RunSettings)
            and callable(getattr(self.module, "build", None))
        ):
            raise InputError(
                f"{self.source} must define a dataclass `Settings(keras_gan.experiment.Settings)` "
                "and a function `build(settings, data)`"
            )
        if "__dataclass_params__" not in vars(settings):  # else its defaults would be ignored
            raise InputError(
                f"`Settings` of {self.source} needs the decorator "
                "`@dataclasses.dataclass(frozen=True)`"
            )
        fields(settings)

    @property
    def settings(self) -> type[RunSettings]:
        """The class of its settings."""
        return self.module.Settings

    @property
    def has_own_data(self) -> bool:
        """Whether it makes its own data."""
        return hasattr(self.module, "load_data")

    def load_data(
        self,
        settings: Any,
        data_dir: str | None = None,
        download: bool = False,
        cache_dir: str | None = None,
    ) -> DataSet:
        """The recipe's own data, or those that `dataset` names."""
        if self.has_own_data:
            with self._faults():
                return self.module.load_data(settings)
        fold = getattr(settings, "fold", 0) or None  # of the Toronto Face Database's recipes
        return load(
            settings.dataset,
            data_dir=data_dir,
            download=download,
            fold=fold,
            pictures=settings if isinstance(settings, PictureOptions) else None,
            cache_dir=cache_dir,
        )

    def training_set(self, settings: Any, data_set: DataSet) -> DataSet:
        """The part of a data set to train on: all of it, unless the recipe says otherwise."""
        select = getattr(self.module, "training_set", None)
        if select is None:
            return data_set
        with self._faults():
            return select(settings, data_set)

    def build(self, settings: Any, data: TrainingData) -> tuple[GAN, dict[str, Any]]:
        """Makes the model.

        Args:
            settings: An object of `settings`.
            data: The data that it will learn.

        Returns:
            The model, not compiled, and the arguments of its `compile`.

        Raises:
            InputError: The networks do not fit the data, or a user's file fails.
        """
        try:
            with self._faults():
                made = self.module.build(settings, data)
        except InputError:
            raise
        except ValueError as error:
            raise InputError(
                f"the networks of recipe {self.name!r} cannot be built for examples of shape "
                f"{data.shape}: {first_line(error)}"
            ) from error
        match made:
            case (GAN() as gan, dict() as arguments):
                pass
            case _:
                raise InputError(
                    f"`build` of {self.source} must return the GAN and a dict of `compile`'s "
                    f"arguments. Received: {made!r}"
                )
        if gan.example_shape != data.shape:
            raise InputError(
                f"the networks of recipe {self.name!r} are for examples of shape "
                f"{gan.example_shape}; the data have {data.shape}"
            )
        general = settings.compile_arguments_of_all
        twice = sorted(general.keys() & arguments.keys())
        if twice:
            raise InputError(
                f"`build` of {self.source} must leave {', '.join(twice)} to the settings of the "
                "same name"
            )
        return gan, {**arguments, **general}

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        """An error in a user's file as one line."""
        try:
            yield
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            if self.content is None:
                raise
            raise InputError(f"the recipe file {failure(self.source, error)}") from error


def from_file(path: str | os.PathLike[str], reserved: Iterable[str] = ()) -> Recipe:
    """The recipe in a user's Python file; its settings may not have the reserved names."""
    path = Path(os.path.expanduser(path))  # shells leave the ~ of `--recipe=~/a.py` alone
    check_path("--recipe", path)
    if not path.is_file():
        raise InputError(f"there is no recipe file {path}{question(similar(path))}")
    try:
        content = _digest(path.read_bytes())
    except OSError as error:
        raise InputError(f"the recipe file {path} cannot be read: {error.strerror}") from error
    recipe = Recipe(path.stem, import_file(path), str(path.resolve()), content)
    taken = sorted({field.name for field in fields(recipe.settings)} & {*reserved})
    if taken:
        raise InputError(
            f"{path} has a setting {taken[0]!r}, which means something else; rename it"
        )
    return recipe


def import_file(path: Path) -> types.ModuleType:
    """Runs a user's Python file as a module; the same content is run once in a process."""
    name = _module_name(path)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file; a recipe file's name ends in .py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise InputError(f"the recipe file {failure(path, error)}") from error
    return module


def is_imported(path: Path) -> bool:
    """Whether this process has run the file, as it is now."""
    return path.is_file() and _module_name(path) in sys.modules


def _module_name(path: Path) -> str:
    return f"recipe_{_digest(str(path.resolve()).encode() + path.read_bytes())}"


def failure(path: str | os.PathLike[str], error: BaseException) -> str:
    """The file, the last of its lines that an error went through, and what the error says."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    line = f", line {lines[-1]}" if lines else ""
    return f"{path}{line} fails: {type(error).__name__}: {first_line(error)}"


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()
