"""The bundled digits, completed from any part of an image: p(x_S | x_notS) for every S (section 7).

    python -m keras_gan.train --recipe digits_completion

The networks of `digits`, learning as in `digits_conditional`. G sees the known pixels and which
they are besides z; D sees the whole image and which pixels were known. Masks in training:
`keras_gan.conditions.MASKS`.
"""

import dataclasses

import keras
import numpy as np

from keras_gan import networks
from keras_gan.conditions import Known
from keras_gan.recipes import digits_conditional
from keras_gan.recipes.recipe import Recipe

_SHAPE = (8, 8, 1)
_NOISE = 0.3  # on the images as D sees them


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The players, with further inputs for the known pixels and the mask."""
    size = examples[0].size
    pixels = _SHAPE[0] * _SHAPE[1]
    generator = networks.mlp_generator(
        recipe.latent_dim + size + pixels,
        _SHAPE,
        hidden=[(256, "relu"), (256, "relu")],
        output_activation="sigmoid",
        seed=seed,
        name="painter",
    )
    networks.set_marginal_bias(generator, examples.mean(axis=0))
    discriminator = networks.maxout_discriminator(
        (size + pixels,),
        units=96,
        irange=0.02,
        input_dropout=0.0,
        seed=seed + 1,
        name="judge",
    )
    return networks.on_known(
        generator, discriminator, _SHAPE, input_dropout=0.0, input_noise=_NOISE
    )


RECIPE = dataclasses.replace(
    digits_conditional.RECIPE, name="digits_completion", networks=build, condition=Known(_SHAPE)
)
