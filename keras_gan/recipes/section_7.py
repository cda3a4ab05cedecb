"""The networks of the paper's section 7, in the sizes of the digits' and of MNIST's networks."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras
import numpy as np

from keras_gan import networks
from keras_gan.core.errors import InputError
from keras_gan.experiment.recipe import Networks, Recipe
from keras_gan.experiment.run import Run
from keras_gan.training.inference import Inference, parameters

INPUT_NOISE = 0.3  # on the images as D sees them
_NOISE_OF_COMPLETIONS = 0.1  # the same: the known part must be seen well

COMPLETION: dict[str, Any] = {
    "loss": "inpainting",
    "discriminator_learning_rate": 1e-3,
    "learning_rate_divisor": 1.00015,  # a tenth of it after 15,000 updates
}

SEMI_SUPERVISED: dict[str, Any] = {
    "loss": "semi_supervised",
    "labelled_share": 0.5,
    "discriminator_loss_weight": 1.0,
    "update": "alternating",
    "optimizer": "adam",
    "generator_learning_rate": 1e-3,
    "discriminator_learning_rate": 1e-3,
    "learning_rate_divisor": 1.0,
}


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What tells the digits' networks from MNIST's.

    Attributes:
        width: Units of each hidden layer of G, and of an inference network.
        units: Maxout units of each hidden layer of D.
        irange: Half width of D's initial weights.
        input_dropout: Rate of dropout on the images as D sees them.
        encoder_noise: Standard deviation of noise on the images as an inference network sees them.
    """

    width: int
    units: int
    irange: float
    input_dropout: float
    encoder_noise: float


DIGITS = Sizes(256, 96, irange=0.02, input_dropout=0.0, encoder_noise=0.1)
MNIST = Sizes(1200, 240, irange=0.005, input_dropout=0.2, encoder_noise=0.3)


def conditional(
    recipe: Recipe, examples: np.ndarray, seed: int, *, sizes: Sizes, classes: int
) -> tuple[keras.Model, keras.Model]:
    """Networks that see a class; see `networks.with_classes`."""
    pair = _players(recipe, examples, seed, sizes, of_generator=classes, of_discriminator=classes)
    return networks.with_classes(*pair, examples.shape[1:], classes, **_seeing(sizes))


def completing(
    recipe: Recipe, examples: np.ndarray, seed: int, *, sizes: Sizes
) -> tuple[keras.Model, keras.Model]:
    """Networks that see known pixels and which they are; see `networks.with_known_pixels`."""
    shape = examples.shape[1:]
    reader = networks.conv_reader(shape, sizes.width, seed=seed + 2)
    pair = _players(
        recipe,
        examples,
        seed,
        sizes,
        of_generator=sizes.width,
        of_discriminator=math.prod(shape[:2]),
    )
    seeing = {**_seeing(sizes), "input_noise": _NOISE_OF_COMPLETIONS}
    return networks.with_known_pixels(reader, *pair, shape, **seeing)


def _players(
    recipe, examples, seed, sizes, *, of_generator, of_discriminator
) -> tuple[keras.Model, keras.Model]:
    """Fully connected networks with so many further inputs, numbers, each."""
    shape = examples.shape[1:]
    generator = networks.mlp_generator(
        recipe.latent_dim + of_generator,
        shape,
        hidden=[(sizes.width, "relu")] * 2,
        output_activation="sigmoid",
        seed=seed,
        name="painter",
    )
    networks.set_marginal_bias(generator, examples.mean(axis=0))
    discriminator = networks.maxout_discriminator(
        (math.prod(shape) + of_discriminator,),
        units=sizes.units,
        irange=sizes.irange,
        input_dropout=0.0,
        seed=seed + 1,
        name="judge",
    )
    return generator, discriminator


def _seeing(sizes: Sizes) -> dict[str, float]:
    return {"input_dropout": sizes.input_dropout, "input_noise": INPUT_NOISE}


def inference(
    recipe: Recipe, shape: tuple[int, ...], seed: int, *, sizes: Sizes
) -> list[Inference]:
    """An inference network of two layers of rectifiers."""
    prior = recipe.make_prior()
    network = networks.mlp_encoder(
        shape, parameters(prior), hidden=(sizes.width,) * 2, noise=sizes.encoder_noise, seed=seed
    )
    return [Inference(network, prior)]


def for_inference(
    recipe: Recipe, examples: np.ndarray, seed: int, *, build: Networks
) -> tuple[keras.Model, keras.Model]:
    """The networks that an inference network learns from: those of `--stage1`, or new ones."""
    if recipe.stage1:
        return finished(recipe, examples.shape[1:])
    return build(recipe, examples, seed)


def finished(recipe: Recipe, shape: tuple[int, ...]) -> tuple[keras.Model, keras.Model]:
    """The networks of `--stage1`: G, with EMA weights where the run keeps them, and D.

    Args:
        recipe: Its `stage1` is the run; its `update` must be "fixed".
        shape: Shape of an example of the data.

    Raises:
        InputError: The run is not finished, its networks would move, or they do not fit the recipe.
    """
    if recipe.update != "fixed":
        raise InputError("the networks of --stage1 are finished: add --update fixed")
    gan = Run.open(recipe.stage1).gan()
    for name, theirs, ours in (
        ("latents from", str(gan.prior), str(recipe.make_prior())),
        ("examples of shape", gan.example_shape, tuple(shape)),
        ("a condition", str(gan.condition), str(recipe.condition)),
    ):
        if theirs != ours:
            raise InputError(f"--stage1 {recipe.stage1} has {name} {theirs}; here it is {ours}")
    generator = gan.ema_generator or gan.generator
    copy = type(generator).from_config({**generator.get_config(), "name": "generator"})
    copy.set_weights(generator.get_weights())
    return copy, gan.discriminator
