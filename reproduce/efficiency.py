"""What makes the pair train faster (section 7, efficiency), measured on MNIST's recipe.

One factor at a time, a budget of generator updates; the best settings again with other seeds.
Lines take hours, in which the machine may do other things: seconds come from the pace of each line,
measured for all of them one after the other when they are done.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_gan import GAN, data, layers, plotting, recipes
from keras_gan.experiment import Recipe, TrainingData
from reproduce import results
from reproduce.curves import efficiency_curves
from reproduce.lines import Build, Game, Lines, Variant, train, with_networks
from reproduce.runs import validation_images

LEVELS = (100, 150)  # nats; the time until each is what the table compares
_VALIDATION = 2000  # validation images
_BEST = 2  # settings that are tried with other seeds
_OTHER_SEEDS = 2
_AS_IT_IS = Variant("the recipe")

Row = dict[str, Any]


def factors(recipe: Recipe) -> dict[str, tuple[Variant, ...]]:
    """What the lines of the table change, by subject."""
    rates = {"G": "generator_learning_rate", "D": "discriminator_learning_rate"}
    changes = {"halved": 1 / 2, "doubled": 2}
    settings = recipe.settings()
    return {
        "updates": (
            Variant("alternating updates", {"update": "alternating"}),
            Variant("k = 2", {"discriminator_steps": 2}),
            Variant("the network that is ahead held back", {"loss": "held_back"}),
        ),
        "learning rates": tuple(
            Variant(f"{network}'s learning rate {what}", {rate: factor * getattr(settings, rate)})
            for network, rate in rates.items()
            for what, factor in changes.items()
        ),
        "distribution of z": tuple(
            Variant(f"prior {name}", {"prior": name}) for name in ("normal", "spherical", "mixture")
        ),
        "dimensions of z": tuple(
            Variant(f"z of {n} dimensions", {"latent_dim": n}) for n in (20, 400)
        ),
        "G's higher layers": (
            Variant(
                "dropout on the inputs of G's higher layers",
                build=with_networks(recipe, _with_dropout),
            ),
            Variant(
                "latents of their own for G's higher layers",
                {"latent_dim": 3 * settings.latent_dim},
                _with_latents(recipe),
            ),
        ),
    }


def _with_dropout(
    generator: keras.Model, discriminator: keras.Model
) -> tuple[keras.Model, keras.Model]:
    """G, what enters its layers above the first dropped out while it learns."""
    latents = keras.Input(generator.input_shape[1:], name="latents")
    dropped = keras.Sequential([latents], name=generator.name)
    for index, layer in enumerate(generator.layers):
        if index and isinstance(layer, keras.layers.Dense):
            dropped.add(layers.Dropout(0.5, name=f"drop_{index}"))
        dropped.add(layer)
    return dropped, discriminator


def _with_latents(recipe: Recipe) -> Build:
    """The recipe's G, with two hidden layers, each of whose outputs further latents join.

    z is three times as long, so that G stays a function of z alone.
    """

    def build(settings: Any, examples: TrainingData) -> tuple[GAN, dict[str, Any]]:
        narrow = dataclasses.replace(settings, latent_dim=settings.latent_dim // 3)
        gan, arguments = recipe.build(narrow, examples)
        latents = keras.Input((settings.latent_dim,), name="latents")
        outputs, *others = keras.ops.split(latents, 3, axis=1)
        for index, layer in enumerate(gan.generator.layers):
            dense = isinstance(layer, keras.layers.Dense)
            if index and dense:
                outputs = keras.layers.Concatenate(name=f"join_{index}")([outputs, others.pop(0)])
            wider = type(layer).from_config(layer.get_config())
            outputs = wider(outputs)
            if dense:
                wider.bias.assign(layer.bias)  # the output's is at the data's means
        generator = keras.Model(latents, outputs, name=gan.generator.name)
        prior = type(gan.prior)(settings.latent_dim)
        networks = (generator, gan.discriminator)
        return GAN(*networks, prior, seed=settings.seed, ema=settings.ema), arguments

    return build


def measure(
    seed: int,
    epochs: int,
    recipe: Recipe | None = None,
    lines: Mapping[str, Sequence[Variant]] | None = None,
    every: int = 500,
) -> None:
    """Trains and measures what has no line yet.

    Args:
        seed: First of the seeds of everything random.
        epochs: Length in epochs of the recipe.
        recipe: MNIST's by default.
        lines: `factors` of the recipe by default.
        every: Updates of G between two looks at the likelihood.

    Raises:
        InputError: The file holds lines of another protocol.
    """
    machine = results.machine()
    recipe = recipe or recipes.get("mnist")
    lines = lines or factors(recipe)
    settings = recipe.settings()
    data_set = recipe.load_data(settings)
    updates = epochs * (len(data_set.train) // settings.batch_size)
    file = results.PICTURES / "efficiency.png"
    table = Lines(
        "efficiency",
        title="Section 7: what makes the pair train faster, one factor at a time",
        command=f"python -m reproduce efficiency --seed {seed} --epochs {epochs}",
        seeds=[seed + i for i in range(1 + _OTHER_SEEDS)],
        protocol={
            "recipe": recipe.name,
            "epochs": epochs,
            "updates": updates,
            "looked_every": every,
            "samples": settings.likelihood_samples,
            "validation": len(data_set.validation.x[:_VALIDATION]),
            "levels": list(LEVELS),
        },
        data=data_set.provenance,
        machine=machine,
        pictures=[results.link(file)],
    )

    panels = {title: [variant.name for variant in changed] for title, changed in lines.items()}
    paces: dict[str, float] = {}
    variants = {variant.name: variant for variant in itertools.chain([_AS_IT_IS], *lines.values())}

    def complete(names: Iterable[str], seed: int) -> None:
        for name in names:
            if not table.has(variant=name, seed=seed):
                row = _row(variants[name], recipe, data_set, updates, seed, every)
                if name in paces:
                    row = _timed(row, paces[name])
                file.parent.mkdir(parents=True, exist_ok=True)
                plotting.save_image(efficiency_curves([*table.rows, row], panels, LEVELS), file)
                table.add(row)

    complete(variants, seed)
    if not all("milliseconds" in row for row in table.rows):
        paces = {
            name: _milliseconds(variant, recipe, data_set, seed, max(1, every // 5))
            for name, variant in variants.items()
        }
        table.replace([_timed(row, paces[row["variant"]]) for row in table.rows])
    paces = {row["variant"]: row["milliseconds"] for row in table.rows}
    again = [_AS_IT_IS.name, *best(table.rows)]
    for other in table.seeds[1:]:
        complete(again, other)


def best(rows: Sequence[Row]) -> list[str]:
    """The variants that were fastest with the first row's seed; that row, the recipe, aside.

    That is the fewest seconds until the highest of `LEVELS`; behind them, where it was not
    reached, the highest likelihood of EMA weights at the end.
    """

    def slowness(row: Row) -> tuple[float, float]:
        seconds, nats = row[f"seconds_until_{LEVELS[-1]}"], row["ema"]
        return (
            math.inf if seconds is None else seconds,
            math.inf if nats is None else -nats,
        )

    others = [row for row in rows[1:] if row["seed"] == rows[0]["seed"]]
    return [row["variant"] for row in sorted(others, key=slowness)[:_BEST]]


def _row(
    variant: Variant,
    recipe: Recipe,
    data_set: data.DataSet,
    updates: int,
    seed: int,
    every: int,
) -> Row:
    looks: list[Row] = []

    def look(game: Game) -> None:
        validation = validation_images(data_set, game.scale, _VALIDATION)
        nats = game.nats(recipe.settings().likelihood_samples, validation)
        looks.append({"updates": game.updates, "seconds": round(game.seconds, 1), **nats})

    train(variant, recipe, data_set, updates, seed, look, every)
    last = looks[-1]
    return {
        "variant": variant.name,
        "seed": seed,
        "updates": last["updates"],
        "seconds": last["seconds"],
        "raw": last["raw"],
        "ema": last["ema"],
        **{f"updates_until_{level}": first_at(looks, level) for level in LEVELS},
        "looks": looks,
    }


def first_at(looks: Sequence[Row], level: float) -> int | None:
    """Updates at the first look at which EMA weights had so many nats, or None."""
    reached = (
        look["updates"] for look in looks if look["ema"] is not None and look["ema"] >= level
    )
    return next(reached, None)


def _milliseconds(
    variant: Variant, recipe: Recipe, data_set: data.DataSet, seed: int, every: int
) -> float:
    """Of an update of G: the fastest of some stretches; what disturbs a machine only adds."""
    ends: list[float] = []
    stretches = 8
    train(
        variant,
        recipe,
        data_set,
        round(stretches * every / variant.share),
        seed,
        lambda game: ends.append(game.seconds),
        every,
    )
    return round(1000 * float(np.diff(ends).min()) / every, 2)


def _timed(row: Row, milliseconds: float) -> Row:
    """A row with its pace, and by that the seconds that its updates take."""
    until = {
        f"seconds_until_{level}": None if updates is None else round(updates * milliseconds / 1e3)
        for level in LEVELS
        for updates in [row[f"updates_until_{level}"]]
    }
    return {**row, "milliseconds": milliseconds, **until}
