"""Toronto Face Database, second stage: new lower layers under the generator of the first.

    python -m keras_gan.train --recipe tfd_stage2 --stage1 runs/tfd-...

8000 rectifiers and 100 sigmoids (bias -2) feed the 100 inputs of the first stage's generator. As
in the released files, the layers of the first stage go on learning, the discriminator is new, and
so are momentum and learning rate.
"""

import dataclasses

import keras
import numpy as np

from keras_gan import networks
from keras_gan.core.errors import InputError
from keras_gan.experiment.recipe import Recipe
from keras_gan.experiment.run import Run
from keras_gan.recipes import tfd


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The networks; G's upper part starts where the first stage ended."""
    if not recipe.stage1:
        raise InputError("recipe 'tfd_stage2' needs --stage1, the run directory of recipe 'tfd'")
    upper = Run.open(recipe.stage1).generator("last")
    if upper.output_shape[1:] != examples.shape[1:]:
        raise InputError(
            f"--stage1 {recipe.stage1} generates {upper.output_shape[1:]}, "
            f"the data are {examples.shape[1:]}"
        )
    lower = networks.mlp_generator(
        recipe.latent_dim,
        upper.input_shape[1:],
        hidden=[(8000, "relu")],
        output_activation="sigmoid",
        max_norm=networks.MAX_NORM,
        seed=seed + 2,
        name="lower",
    )
    lower.get_layer("output").bias.assign(np.full(upper.input_shape[1:], -2.0, np.float32))
    return networks.stack_generators(lower, upper), tfd.build_discriminator(examples, seed)


RECIPE = dataclasses.replace(tfd.RECIPE, name="tfd_stage2", networks=build, epochs=22)
