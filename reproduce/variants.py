"""Tables that the paper lacks: its settings on MNIST, and others that differ in one thing each.

All have the same length, counted in G's updates, or in D's where the text of a variant says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_gan import data, recipes
from keras_gan.experiment import Recipe
from reproduce import results
from reproduce.lines import Lines, Variant, train, with_networks
from reproduce.runs import validation_images

_FEW = 1000  # training images of those who have not all
_TO_COMPLETION = 100  # updates of D for each of G that stand for training it to completion
_COMPRESSED = 50  # the decay of 1,000 epochs within 20
_LOOKED_AT = 10_000  # training and held-out examples that V and D's outputs are measured on
_AS_IT_IS = Variant("the recipe")


def settings(recipe: Recipe) -> tuple[Variant, ...]:
    """Other rules, losses and numbers of steps, and D trained to completion on few images."""
    to_completion = f"D to completion: k = {_TO_COMPLETION}, equal updates of D"
    steps = "discriminator_steps"
    return (
        _AS_IT_IS,
        Variant("alternating updates", {"update": "alternating"}),
        Variant("minimax loss", {"loss": "minimax"}),
        Variant("k = 2, equal updates of G", {steps: 2}),
        Variant("k = 2, equal data", {steps: 2}, share=1 / 2),
        Variant("k = 3, equal updates of G", {steps: 3}),
        Variant("k = 3, equal data", {steps: 3}, share=1 / 3),
        Variant(f"{_FEW:,} training images", examples=_FEW),
        Variant(
            f"{_FEW:,} training images, {to_completion}",
            {steps: _TO_COMPLETION},
            share=1 / _TO_COMPLETION,
            examples=_FEW,
        ),
    )


def hypotheses(recipe: Recipe) -> tuple[Variant, ...]:
    """Readings of what the released files leave open; one may lie behind nats that are missing.

    Two more, D's loss not halved and one update after the other, are lines of
    `reproduce.efficiency`.
    """

    def changed(name: str, change: Callable[[keras.Model, keras.Model], None]) -> Variant:
        def in_place(generator: keras.Model, discriminator: keras.Model):
            change(generator, discriminator)
            return generator, discriminator

        return Variant(name, build=with_networks(recipe, in_place))

    def undropped(name: str, layer: str) -> Variant:
        return changed(name, lambda g, d: setattr(d.get_layer(layer), "rate", 0.0))

    def unbiased(generator: keras.Model, discriminator: keras.Model) -> None:
        bias = generator.get_layer("output").bias
        bias.assign(keras.ops.zeros_like(bias))

    decay = recipe.settings().learning_rate_divisor ** _COMPRESSED
    return (
        _AS_IT_IS,
        changed("G's first weights as small as D's", lambda g, d: _scale(g, 1 / 10)),
        changed("D's first weights as large as G's", lambda g, d: _scale(d, 10)),
        changed("G's output bias starts at 0", unbiased),
        undropped("no dropout on D's input", "drop_0"),
        undropped("no dropout before D's output layer", "drop_output"),
        Variant("momentum 0.7 from the start", {"momentum": 0.7}),
        Variant("momentum 0.9 throughout", {"momentum": 0.9, "final_momentum": 0.9}),
        Variant(f"a decay {_COMPRESSED} times as fast", {"learning_rate_divisor": decay}),
        Variant("minibatches in the same order in every epoch", shuffled=False),
    )


def _scale(network: keras.Model, factor: float) -> None:
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.kernel.assign(factor * layer.kernel)


Table = Callable[[Recipe], Sequence[Variant]]
TABLES: dict[str, tuple[str, Table]] = {
    "variants": ("Update rules, losses and steps, one factor at a time", settings),
    "hypotheses": ("The recipe and other readings of it, one factor at a time", hypotheses),
}
EPOCHS = {"variants": 10, "hypotheses": 20}


def measure(
    name: str, seed: int, epochs: int, recipe: Recipe | None = None, lines: Table | None = None
) -> None:
    """Trains and measures what has no line yet.

    Args:
        name: One of `TABLES`.
        seed: Seed of everything random.
        epochs: Length in epochs of the recipe.
        recipe: MNIST's by default.
        lines: The table's by default.

    Raises:
        InputError: The file holds lines of another protocol.
    """
    machine = results.machine()
    recipe = recipe or recipes.get("mnist")
    settings = recipe.settings()
    data_set = recipe.load_data(settings)
    updates = epochs * (len(data_set.train) // settings.batch_size)
    title, table = TABLES[name]
    made = Lines(
        name,
        title=title,
        command=f"python -m reproduce {name} --seed {seed} --epochs {epochs}",
        seeds=[seed],
        protocol={
            "recipe": recipe.name,
            "epochs": epochs,
            "updates": updates,
            "likelihood_samples": settings.likelihood_samples,
            "held_out": len(data_set.validation.x[:_LOOKED_AT]),
        },
        data=data_set.provenance,
        machine=machine,
        pictures=[],
    )
    for variant in (lines or table)(recipe):
        if not made.has(variant=variant.name):
            made.add(_row(variant, recipe, data_set, updates, seed))


def _row(
    variant: Variant, recipe: Recipe, data_set: data.DataSet, updates: int, seed: int
) -> dict[str, Any]:
    game, settings = train(variant, recipe, data_set, updates, seed), recipe.settings()
    gan, scale = game.gan, game.scale
    held_out = scale.normalize(data_set.validation.x[:_LOOKED_AT])
    seen = gan.evaluate(game.examples[:_LOOKED_AT], verbose=0, return_dict=True)
    unseen = gan.evaluate(held_out, verbose=0, return_dict=True)
    return {
        "variant": variant.name,
        "updates": game.updates,
        "shown": game.updates * settings.batch_size * gan.discriminator_steps,
        **game.nats(settings.likelihood_samples, validation_images(data_set, scale)),
        "value": unseen["value"],
        "jsd_bound": unseen["jsd_bound"],
        "d_real": seen["d_real"],
        "held_out_output": unseen["d_real"],
        "d_fake": unseen["d_fake"],
        "seconds": round(game.seconds, 1),
    }
