"""The players of a finished run, for networks that learn from them."""

from __future__ import annotations

import keras

from keras_gan.errors import InputError
from keras_gan.recipes.recipe import Recipe
from keras_gan.run import Run


def players(recipe: Recipe, shape: tuple[int, ...]) -> tuple[keras.Model, keras.Model]:
    """G, with averaged weights where the run keeps them, and D of `--stage1`.

    Args:
        recipe: Its `stage1` is the run; its `update` must be "fixed".
        shape: Shape of an example of the data.

    Raises:
        InputError: The run is not finished, its players would move, or they do not fit the recipe.
    """
    if recipe.update != "fixed":
        raise InputError("the players of --stage1 are finished: add --update fixed")
    gan = Run.open(recipe.stage1).gan()
    for name, theirs, ours in (
        ("latents from", str(gan.prior), str(recipe.make_prior())),
        ("examples of shape", gan.example_shape, tuple(shape)),
        ("a condition", str(gan.condition), str(recipe.condition)),
    ):
        if theirs != ours:
            raise InputError(f"--stage1 {recipe.stage1} has {name} {theirs}; here it is {ours}")
    generator = gan.averaged_generator or gan.generator
    config = {**generator.get_config(), "name": "generator"}
    copy = type(generator).from_config(config)
    copy.set_weights(generator.get_weights())
    return copy, gan.discriminator
