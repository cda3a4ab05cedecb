"""The settings of every run, and of every run on a data set."""

from __future__ import annotations

import contextlib
import dataclasses
import typing
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import keras

from keras_gan.core.errors import InputError
from keras_gan.core.settings import Checked, setting
from keras_gan.data.preprocessing import NAMES as SCALES

if typing.TYPE_CHECKING:
    from keras_gan.experiment.recipe import TrainingData
    from keras_gan.training.ema import EMA

PRECISIONS = ("float32", "mixed_bfloat16")


@dataclasses.dataclass(frozen=True)
class RunSettings(Checked):
    """The settings of every run; the base for recipes that make their own data."""

    # Least time between two pictures of samples, which follow epochs; not a setting.
    seconds_between_pictures: ClassVar[float] = 0.0
    # Whether `resolve` fits learning rates and the like to the number of epochs; not a setting.
    plans_by_epochs: ClassVar[bool] = False

    batch_size: int = setting(100, "m: examples of a minibatch", least=1, most=2**20)
    discriminator_steps: int = setting(1, "k: updates of D for each of G", least=1, most=255)
    epochs: int = setting(100, "passes over the training data", least=0, most=10**6)
    ema_momentum: float = setting(
        0.0, "momentum of the moving average (EMA) of G's weights; 0 keeps none", least=0, below=1
    )
    seed: int = setting(0, "seed of everything random", least=0, below=2**32)
    precision: str = setting("float32", " or ".join(PRECISIONS), choices=PRECISIONS)
    jit_compile: bool = setting(False, "compile with XLA")
    init: str = setting(
        "",
        "run or preset whose weights G, D and the EMA start from, where layers match",
        path="folder",
    )
    freeze: int = setting(
        0,
        "how many of D's first layers with weights keep those of --init (FreezeD)",
        least=0,
        most=1000,
    )

    def __post_init__(self) -> None:
        """Checks that there is something to freeze."""
        super().__post_init__()
        if self.freeze and not self.init:
            raise InputError(f"--freeze needs --init, a trained run. Received: {self.freeze}")

    @property
    def ema(self) -> float | EMA | None:
        """`GAN`'s argument of that name."""
        return self.ema_momentum or None

    @property
    def compile_arguments_of_all(self) -> dict[str, Any]:
        """The arguments of `compile` that every recipe takes from its settings."""
        return {"discriminator_steps": self.discriminator_steps, "jit_compile": self.jit_compile}

    @property
    def examples_per_step(self) -> int:
        """Examples that a step takes: m * k."""
        return self.batch_size * self.discriminator_steps

    @contextlib.contextmanager
    def policy(self) -> Iterator[None]:
        """Layers that are made inside compute in `precision`."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.precision)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)

    def examples_per_epoch(self, size: int) -> int:
        """Examples of an epoch: usually all of so many; fewer, the first ones; or a multiple."""
        return size

    def steps_per_epoch(self, size: int) -> int:
        """Steps of an epoch of so many examples."""
        return size // self.examples_per_step

    def resolve(self, data: TrainingData) -> Self:
        """Replaces what depends on the machine or on a time budget by a value.

        A run keeps the result, except for `epochs`; sessions that continue the run use the same
        values on any machine. They call it with them, and it must then only choose `epochs`.

        Args:
            data: The training data.
        """
        return self


@dataclasses.dataclass(frozen=True)
class Settings(RunSettings):
    """The settings of a run on a data set; the base for other recipes."""

    dataset: str = setting(
        "digits",
        "data set: digits, mnist_10k, a name of tensorflow-datasets, or a path",
        path="path",
    )
    preprocessing: str = setting(
        "unit_range", "scale of the data: " + ", ".join(SCALES), choices=SCALES
    )
    likelihood_every: int = setting(
        1, "epochs between Parzen estimates on validation images; 0: never", least=0
    )
    likelihood_samples: int = setting(1000, "samples of such an estimate", least=1, most=10**6)
    distance_every: int = setting(
        0,
        "epochs between Frechet distances to validation images, by which the best model is chosen; "
        "0: never",
        least=0,
    )
