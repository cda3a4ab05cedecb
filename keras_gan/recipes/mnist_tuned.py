"""MNIST with the paper's networks and settings of our own: noise for D, Adam, larger minibatches.

    python -m keras_gan.train --recipe mnist_tuned

Both kinds of D's inputs get normal noise while it learns, an option of the released code. D then
cannot tell data from samples by what lies below the noise, its gradient stays useful from the
first epoch on, and G learns the coarse part of the images before the fine one. What D cannot see
wanders: it is the long average of G's weights that is smooth. G's learning rate is twice D's, which
brings the fast part forward (docs/extensions.md, "Efficiency"). The average's likelihood is best
after some 20 epochs; its samples are the more varied the longer it learns. Chosen on validation
images; docs/reproduction.md says what it reaches, beside the paper's recipe.
"""

import dataclasses

import keras
import numpy as np

from keras_gan import networks
from keras_gan.experiment.recipe import Recipe
from keras_gan.recipes import mnist, section_7


def build(recipe: Recipe, examples: np.ndarray, seed: int) -> tuple[keras.Model, keras.Model]:
    """The networks of `mnist`; D with noise at its input."""
    generator, _ = mnist.build(recipe, examples, seed)
    discriminator = networks.maxout_discriminator(
        examples.shape[1:], units=240, input_noise=section_7.INPUT_NOISE, seed=seed + 1
    )
    return generator, discriminator


RECIPE = dataclasses.replace(
    mnist.RECIPE,
    name="mnist_tuned",
    networks=build,
    update="alternating",
    discriminator_loss_weight=1.0,
    batch_size=250,
    optimizer="adam",
    generator_learning_rate=1e-3,
    discriminator_learning_rate=5e-4,
    learning_rate_divisor=1.0,
    ema=0.9995,  # over ten epochs of 200 updates
    epochs=35,
)
