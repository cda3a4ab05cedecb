"""The bundled digits, one class at a time: p(x given c), section 7 of the paper.

    python -m keras_gan.train --recipe digits_conditional

The networks of `digits`, which see the class besides; noise on D's images and Adam, as in
`mnist_tuned`. In training samples have the classes of the data that they stand against; a sample
whose class is not given has each class as often.
"""

import dataclasses

import keras
import numpy as np

from keras_gan import networks
from keras_gan.conditions import Classes
from keras_gan.recipes import digits
from keras_gan.recipes.recipe import Recipe

_CLASSES = 10
_NOISE = 0.3  # on the images as D sees them


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The players, each with a further input for the class."""
    shape = examples.shape[1:]
    generator = networks.mlp_generator(
        recipe.latent_dim + _CLASSES,
        shape,
        hidden=[(256, "relu"), (256, "relu")],
        output_activation="sigmoid",
        seed=seed,
        name="painter",
    )
    networks.set_marginal_bias(generator, examples.mean(axis=0))
    discriminator = networks.maxout_discriminator(
        (examples[0].size + _CLASSES,),
        units=96,
        irange=0.02,
        input_dropout=0.0,
        seed=seed + 1,
        name="judge",
    )
    return networks.on_classes(
        generator, discriminator, shape, _CLASSES, input_dropout=0.0, input_noise=_NOISE
    )


RECIPE = dataclasses.replace(
    digits.RECIPE,
    name="digits_conditional",
    networks=build,
    condition=Classes(_CLASSES),
    update="alternating",
    discriminator_loss_weight=1.0,
    optimizer="adam",
    generator_learning_rate=5e-4,
    discriminator_learning_rate=5e-4,
)
