"""The table that the paper lacks: its game on MNIST, and others that differ in one thing each.

All have the same length, counted in G's updates, or in D's where the text of a variant says so.
Each leaves its line as soon as it is done; one that is there already is not made again.
"""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

import keras
import numpy as np

from keras_gan import GAN, data, recipes
from keras_gan.data import preprocessing
from keras_gan.errors import InputError
from keras_gan.recipes import Recipe
from reproduce import results
from reproduce.runs import validation_images, validation_nats

_FEW = 1000  # training images of those who have not all
_TO_COMPLETION = 100  # updates of D for each of G that stand for training it to completion
_LOOKED_AT = 10_000  # training and held-out examples that V and D's outputs are measured on


@dataclasses.dataclass(frozen=True)
class Variant:
    """One line of the table.

    Attributes:
        name: What differs from the recipe.
        settings: The recipe's fields that differ.
        share: Updates of G as a share of the recipe's.
        examples: Training examples, the first ones; None for all. Where they are fewer than a step
            takes they are repeated.
    """

    name: str
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    share: float = 1.0
    examples: int | None = None


VARIANTS = (
    Variant("the recipe"),
    Variant("alternating updates", {"update": "alternating"}),
    Variant("minimax loss", {"loss": "minimax"}),
    Variant("k = 2, equal updates of G", {"discriminator_steps": 2}),
    Variant("k = 2, equal data", {"discriminator_steps": 2}, 1 / 2),
    Variant("k = 3, equal updates of G", {"discriminator_steps": 3}),
    Variant("k = 3, equal data", {"discriminator_steps": 3}, 1 / 3),
    Variant(f"{_FEW:,} training images", examples=_FEW),
    Variant(
        f"{_FEW:,} training images, D to completion: k = {_TO_COMPLETION}, equal updates of D",
        {"discriminator_steps": _TO_COMPLETION},
        1 / _TO_COMPLETION,
        _FEW,
    ),
)


def measure(
    seed: int, epochs: int, recipe: Recipe | None = None, variants: tuple[Variant, ...] = VARIANTS
) -> None:
    """Trains and measures what has no line yet.

    Args:
        seed: Seed of everything random.
        epochs: Length in epochs of the recipe.
        recipe: MNIST's by default.
        variants: The lines.

    Raises:
        InputError: The file holds lines of another protocol.
    """
    machine = results.machine()
    recipe = recipe or recipes.get("mnist")
    data_set = recipe.load_data()
    updates = epochs * (len(data_set.train) // recipe.batch_size)
    protocol = {
        "recipe": recipe.name,
        "epochs": epochs,
        "updates": updates,
        "likelihood_samples": recipe.likelihood_samples,
        "held_out": len(data_set.validation.x[:_LOOKED_AT]),
    }
    rows = _rows_so_far(protocol, seed)
    for variant in variants:
        if variant.name not in [row["variant"] for row in rows]:
            rows.append(_row(variant, recipe, data_set, updates, seed))
            results.save(
                "variants",
                title="The game and others, one factor at a time",
                command=f"python -m reproduce variants --seed {seed} --epochs {epochs}",
                rows=rows,
                seeds=[seed],
                protocol=protocol,
                data=data_set.provenance,
                machine=machine,
                seconds=round(sum(row["seconds"] for row in rows), 1),
                pictures=[],
            )


def _rows_so_far(protocol: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    file = results.RESULTS / "variants.json"
    if not file.is_file():
        return []
    found = json.loads(file.read_text())
    if (found["protocol"], found["seeds"]) != (protocol, [seed]):
        raise InputError(
            f"{file} holds variants of another length or seed ({found['command']}); give the same "
            "command, or move the file away"
        )
    return found["rows"]


def _row(
    variant: Variant, recipe: Recipe, data_set: data.DataSet, updates: int, seed: int
) -> dict[str, Any]:
    began = time.monotonic()
    recipe = dataclasses.replace(recipe, **variant.settings)
    train, held_out = data_set.train.x, data_set.validation.x[:_LOOKED_AT]
    scale = preprocessing.fit(recipe.preprocessing, train)
    examples = scale.forward(train)
    players = recipe.networks(recipe, examples, seed)
    gan = GAN(*players, recipe.make_prior(), seed=seed, averaging=recipe.averaging or None)
    # The schedules count epochs of all data, whatever is left of them.
    optimizers = recipe.make_optimizers(len(examples))
    examples = examples[: variant.examples]
    group = recipe.batch_size * recipe.discriminator_steps
    repeated = np.concatenate([examples] * -(-group // len(examples)))
    steps, wanted = len(repeated) // group, round(updates * variant.share)
    gan.compile(
        *optimizers,
        loss=recipe.make_loss(),
        discriminator_steps=recipe.discriminator_steps,
        update=recipe.update,
        steps_per_execution=max(d for d in range(1, 11) if steps % d == 0 and wanted % d == 0),
    )
    gan.fit(
        repeated,
        batch_size=recipe.batch_size,
        epochs=-(-wanted // steps),
        callbacks=[_StopAfter(wanted)],
        verbose=0,
    )
    seconds = round(time.monotonic() - began, 1)
    validation = validation_images(data_set, scale)
    raw, averaged = (
        validation_nats(
            scale.to_unit(gan.generate(recipe.likelihood_samples, 1, averaged=kind)), validation
        )
        for kind in (False, True)
    )
    seen = gan.evaluate(examples[:_LOOKED_AT], verbose=0, return_dict=True)
    unseen = gan.evaluate(scale.forward(held_out), verbose=0, return_dict=True)
    return {
        "variant": variant.name,
        "updates": int(gan.step.numpy()),
        "shown": int(gan.step.numpy()) * group,
        "raw": raw,
        "averaged": averaged,
        "value": unseen["value"],
        "jsd_bound": unseen["jsd_bound"],
        "real_output": seen["real_output"],
        "held_out_output": unseen["real_output"],
        "fake_output": unseen["fake_output"],
        "seconds": seconds,
    }


class _StopAfter(keras.callbacks.Callback):
    """Ends training after a step."""

    def __init__(self, last: int):
        super().__init__()
        self._last = last

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = int(self.model.step.numpy()) >= self._last
