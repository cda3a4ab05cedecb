"""The table that the paper lacks: its game on MNIST, and others that differ in one thing each.

All have the same length, counted in G's updates, or in D's where the text of a variant says so.
"""

from __future__ import annotations

from typing import Any

from keras_gan import data, recipes
from keras_gan.recipes import Recipe
from reproduce import results
from reproduce.lines import Lines, Variant, train
from reproduce.runs import validation_images

_FEW = 1000  # training images of those who have not all
_TO_COMPLETION = 100  # updates of D for each of G that stand for training it to completion
_LOOKED_AT = 10_000  # training and held-out examples that V and D's outputs are measured on

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
    lines = Lines(
        "variants",
        title="The game and others, one factor at a time",
        command=f"python -m reproduce variants --seed {seed} --epochs {epochs}",
        seeds=[seed],
        protocol={
            "recipe": recipe.name,
            "epochs": epochs,
            "updates": updates,
            "likelihood_samples": recipe.likelihood_samples,
            "held_out": len(data_set.validation.x[:_LOOKED_AT]),
        },
        data=data_set.provenance,
        machine=machine,
        pictures=[],
    )
    for variant in variants:
        if not lines.has(variant=variant.name):
            lines.add(_row(variant, recipe, data_set, updates, seed))


def _row(
    variant: Variant, recipe: Recipe, data_set: data.DataSet, updates: int, seed: int
) -> dict[str, Any]:
    game = train(variant, recipe, data_set, updates, seed)
    gan, scale = game.gan, game.scale
    held_out = scale.forward(data_set.validation.x[:_LOOKED_AT])
    seen = gan.evaluate(game.examples[:_LOOKED_AT], verbose=0, return_dict=True)
    unseen = gan.evaluate(held_out, verbose=0, return_dict=True)
    return {
        "variant": variant.name,
        "updates": game.updates,
        "shown": game.updates * recipe.batch_size * gan.discriminator_steps,
        **game.nats(recipe.likelihood_samples, validation_images(data_set, scale)),
        "value": unseen["value"],
        "jsd_bound": unseen["jsd_bound"],
        "real_output": seen["real_output"],
        "held_out_output": unseen["real_output"],
        "fake_output": unseen["fake_output"],
        "seconds": round(game.seconds, 1),
    }
