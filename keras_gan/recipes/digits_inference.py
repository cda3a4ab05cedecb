"""The bundled digits with an inference network q(z | x): from images to latents (section 7).

Beside the players of `digits`, or after them with G fixed:

    python -m keras_gan.train --recipe digits_inference
    python -m keras_gan.train --recipe digits_inference --stage1 runs/digits-... --update fixed
"""

import dataclasses
import functools

import keras
import numpy as np

from keras_gan.recipes import digits, section_7
from keras_gan.recipes.recipe import Recipe


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The players of `digits`, or those of `--stage1`."""
    if recipe.stage1:
        return section_7.finished(recipe, examples.shape[1:])
    return digits.build(recipe, examples, seed)


RECIPE = dataclasses.replace(
    digits.RECIPE,
    name="digits_inference",
    networks=build,
    companions=functools.partial(section_7.inference, sizes=section_7.DIGITS),
)
