"""The bundled digits, classified by D from few labels (section 7, point 4).

    python -m keras_gan.train --recipe digits_semi_supervised --labels 50

D names ten classes and "generated" and sees few labels; G matches D's features (Salimans et al.
2016). `python -m keras_gan.evaluate RUN` reports D's test error.
"""

import dataclasses

import keras
import numpy as np

from keras_gan import networks
from keras_gan.experiment.recipe import Recipe
from keras_gan.recipes import digits, section_7

_CLASSES = 10


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The generator of `digits`; a maxout network that names classes, with noise on its inputs."""
    generator, _ = digits.build(recipe, examples, seed)
    discriminator = networks.maxout_discriminator(
        examples.shape[1:],
        units=96,
        irange=0.05,
        input_dropout=0.0,
        input_noise=0.2,
        classes=_CLASSES,
        seed=seed + 1,
    )
    return generator, discriminator


RECIPE = dataclasses.replace(
    digits.RECIPE,
    name="digits_semi_supervised",
    networks=build,
    **section_7.SEMI_SUPERVISED,
    labels=50,
    epochs=75,
)
