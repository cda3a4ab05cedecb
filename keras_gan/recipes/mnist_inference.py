"""MNIST with an inference network q(z | x): from images to latents (section 7).

Beside the players of `mnist_tuned`, or after them with G fixed:

    python -m keras_gan.train --recipe mnist_inference
    python -m keras_gan.train --recipe mnist_inference --stage1 runs/mnist_tuned-... --update fixed
"""

import dataclasses

import keras
import numpy as np

from keras_gan import networks
from keras_gan.inference import Inference, parameters
from keras_gan.recipes import finished, mnist_tuned
from keras_gan.recipes.recipe import Recipe


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The players of `mnist_tuned`, or those of `--stage1`."""
    if recipe.stage1:
        return finished.players(recipe, examples.shape[1:])
    return mnist_tuned.build(recipe, examples, seed)


def companions(recipe: Recipe, shape: tuple[int, ...], seed: int) -> list[Inference]:
    """The inference network: two layers of rectifiers."""
    prior = recipe.make_prior()
    network = networks.mlp_encoder(
        shape, parameters(prior), hidden=(1200, 1200), noise=0.3, seed=seed
    )
    return [Inference(network, prior)]


RECIPE = dataclasses.replace(
    mnist_tuned.RECIPE, name="mnist_inference", networks=build, companions=companions
)
