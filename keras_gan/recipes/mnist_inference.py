"""MNIST with an inference network q(z | x): from images to latents (section 7).

Beside the players of `mnist_tuned`, or after them with G fixed:

    python -m keras_gan.train --recipe mnist_inference
    python -m keras_gan.train --recipe mnist_inference --stage1 runs/mnist_tuned-... --update fixed
"""

import dataclasses
import functools

import keras
import numpy as np

from keras_gan.recipes import mnist_tuned, section_7
from keras_gan.recipes.recipe import Recipe


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The players of `mnist_tuned`, or those of `--stage1`."""
    if recipe.stage1:
        return section_7.finished(recipe, examples.shape[1:])
    return mnist_tuned.build(recipe, examples, seed)


RECIPE = dataclasses.replace(
    mnist_tuned.RECIPE,
    name="mnist_inference",
    networks=build,
    companions=functools.partial(section_7.inference, sizes=section_7.MNIST),
)
