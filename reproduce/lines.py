"""What tables of variants share: one way to train a line, and a file that grows line by line."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_gan import GAN, data
from keras_gan.core.errors import InputError
from keras_gan.data import preprocessing
from keras_gan.experiment import Recipe, TrainingData
from reproduce import results
from reproduce.runs import validation_nats

Build = Callable[[Any, TrainingData], tuple[GAN, dict[str, Any]]]


@dataclasses.dataclass(frozen=True)
class Variant:
    """One line of a table.

    Attributes:
        name: What differs from the recipe.
        settings: The recipe's settings that differ.
        build: Makes the model, where its networks differ; None for the recipe's.
        share: Updates of G as a share of the recipe's.
        examples: Training examples, the first ones; None for all. Where they are fewer than a step
            takes they are repeated.
        shuffled: Whether each epoch has an order of its own.
    """

    name: str
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    build: Build | None = None
    share: float = 1.0
    examples: int | None = None
    shuffled: bool = True


@dataclasses.dataclass
class Game:
    """A variant in training, or trained.

    Attributes:
        gan: The model.
        scale: Of its data.
        examples: What it learns from, on that scale, float32 `[n, ...]`.
        seconds: Of training so far: building of the graph included, looks left out.
    """

    gan: GAN
    scale: preprocessing.Preprocessing
    examples: np.ndarray
    seconds: float = 0.0

    @property
    def updates(self) -> int:
        """Updates of G so far."""
        return int(self.gan.step.numpy())

    def nats(self, samples: int, validation: np.ndarray) -> dict[str, float | None]:
        """The likelihood of validation images under "raw" and "ema" weights, nats.

        Args:
            samples: Samples of each.
            validation: Images in [0, 1], `[n, ...]`.

        Returns:
            None for weights whose samples are no longer finite.
        """
        found: dict[str, float | None] = {}
        for kind, ema in (("raw", False), ("ema", True)):
            images = self.scale.denormalize(self.gan.generate(samples, 1, ema=ema))
            finite = np.isfinite(images).all()
            found[kind] = validation_nats(images, validation) if finite else None
        return found


Look = Callable[[Game], None]
Change = Callable[[keras.Model, keras.Model], tuple[keras.Model, keras.Model]]


def with_networks(recipe: Recipe, change: Change) -> Build:
    """The recipe's `build`, its generator and discriminator changed."""

    def build(settings: Any, examples: TrainingData) -> tuple[GAN, dict[str, Any]]:
        gan, arguments = recipe.build(settings, examples)
        networks = change(gan.generator, gan.discriminator)
        return GAN(*networks, gan.prior, seed=settings.seed, ema=settings.ema), arguments

    return build


def train(
    variant: Variant,
    recipe: Recipe,
    data_set: data.DataSet,
    updates: int,
    seed: int,
    look: Look | None = None,
    every: int = 1,
) -> Game:
    """Trains a variant of a recipe.

    Args:
        variant: The variant.
        recipe: What it is a variant of.
        data_set: The recipe's data.
        updates: Updates of G that the recipe would make.
        seed: Seed of everything random.
        look: Called during training, every so many updates and after the last.
        every: How many.
    """
    settings = recipe.settings(**{"seed": seed, **variant.settings})
    scale = preprocessing.fit(settings.preprocessing, data_set.train.x)
    examples = scale.normalize(data_set.train.x)
    # The schedules count epochs of all data, whatever is left of them.
    gan, arguments = (variant.build or recipe.build)(settings, TrainingData.of(settings, examples))
    examples = examples[: variant.examples]
    group = settings.batch_size * settings.discriminator_steps
    repeated = np.concatenate([examples] * -(-group // len(examples)))
    steps, wanted = len(repeated) // group, round(updates * variant.share)
    stops = (steps, wanted, every) if look else (steps, wanted)
    gan.compile(
        **arguments,
        steps_per_execution=max(d for d in range(1, 11) if all(n % d == 0 for n in stops)),
    )
    game = Game(gan, scale, examples)
    gan.fit(
        repeated,
        batch_size=settings.batch_size,
        epochs=-(-wanted // steps),
        callbacks=[_Course(game, wanted, look, every)],
        shuffle=variant.shuffled,
        verbose=0,
    )
    return game


class _Course(keras.callbacks.Callback):
    """Ends training after an update, counts its seconds, and looks while these stand still."""

    def __init__(self, game: Game, last: int, look: Look | None, every: int):
        super().__init__()
        self._game, self._last, self._look, self._every = game, last, look, every
        self._since = 0.0

    def on_train_begin(self, logs=None):
        self._since = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        updates = self._game.updates
        ended = updates >= self._last
        if ended or updates % self._every == 0:
            self._game.seconds += time.monotonic() - self._since
            if self._look is not None:
                self._look(self._game)
            self._since = time.monotonic()
        self.model.stop_training = ended


class Lines:
    """The rows of a result: each is on disk as soon as it is made, and none is made twice.

    Args:
        name: The result's.
        protocol: What rows must share to stand in one table.
        seeds: Its seeds.
        **facts: What else `results.save` takes.

    Raises:
        InputError: The file holds lines of another protocol.
    """

    def __init__(self, name: str, *, protocol: dict[str, Any], seeds: list[int], **facts: Any):
        self._facts = {"name": name, "protocol": protocol, "seeds": seeds, **facts}
        self.seeds = seeds
        self.rows: list[dict[str, Any]] = []
        file = results.RESULTS / f"{name}.json"
        if file.is_file():
            found = json.loads(file.read_text())
            if (found["protocol"], found["seeds"]) != (protocol, seeds):
                raise InputError(
                    f"{file} holds lines of another length or seed ({found['command']}); give the "
                    "same command, or move the file away"
                )
            self.rows = found["rows"]

    def has(self, **entries: Any) -> bool:
        """Whether there is a row with these entries."""
        return any(all(row[k] == v for k, v in entries.items()) for row in self.rows)

    def add(self, row: dict[str, Any]) -> None:
        """Appends a row, whose training took "seconds", and saves."""
        self.replace([*self.rows, row])

    def replace(self, rows: list[dict[str, Any]]) -> None:
        """Saves these rows in place of all that there are."""
        self.rows = rows
        seconds = round(sum(row["seconds"] for row in self.rows), 1)
        results.save(rows=self.rows, seconds=seconds, **self._facts)
