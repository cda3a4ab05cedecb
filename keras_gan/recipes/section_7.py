"""The networks of the paper's section 7, in the sizes of the digits' and of MNIST's networks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import keras

from keras_gan import experiment, networks
from keras_gan.core.errors import InputError
from keras_gan.data import DataSet, keep_labels
from keras_gan.experiment import TrainingData, setting
from keras_gan.experiment.run import Run
from keras_gan.recipes.mnist_tuned import INPUT_NOISE
from keras_gan.recipes.settings import AdamSettings, LatentSettings
from keras_gan.training.gan import GAN
from keras_gan.training.inference import Inference, parameters

_INPAINTING_NOISE = 0.1  # on the images as D sees them: the known pixels must be seen well

Networks = tuple[keras.Model, keras.Model]


@dataclasses.dataclass(frozen=True)
class InpaintingSettings(AdamSettings, LatentSettings, experiment.Settings):
    """Settings of models that fill in missing pixels."""

    generator_learning_rate: float = 5e-4
    learning_rate_divisor: float = 1.00015  # a tenth of it after 15,000 updates


@dataclasses.dataclass(frozen=True)
class SemiSupervisedSettings(AdamSettings, LatentSettings, experiment.Settings):
    """Settings of models that learn classes from few labels."""

    labels: int = setting(
        100, "labeled training examples, evenly over the classes; 0: all", least=0
    )
    labeled_share: float = setting(
        0.5, "labeled examples among those of a minibatch", above=0, below=1
    )
    likelihood_every: int = 10


@dataclasses.dataclass(frozen=True)
class InferenceSettings:
    """Settings of an inference network, which learns next to G and D or after them."""

    update: str = setting(
        "simultaneous",
        "update rule: alternating (Algorithm 1), simultaneous (the paper's released code) or fixed "
        "(G and D stay as they are)",
        choices=("alternating", "simultaneous", "fixed"),
    )
    auxiliary_learning_rate: float = setting(
        1e-3, "learning rate of the inference network (Adam)", above=0
    )
    stage1: str = setting(
        "", "finished run whose G and D the inference network learns from (with --update fixed)"
    )


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The widths and noises in which the digits' networks and MNIST's differ.

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
    settings: LatentSettings, data: TrainingData, sizes: Sizes, classes: int
) -> Networks:
    """Networks that see a class; see `networks.with_classes`."""
    pair = _mlps(settings, data, sizes, to_generator=classes, to_discriminator=classes)
    dropout, noise = sizes.input_dropout, INPUT_NOISE
    return networks.with_classes(
        *pair, data.shape, classes, input_dropout=dropout, input_noise=noise
    )


def inpainting(settings: LatentSettings, data: TrainingData, sizes: Sizes) -> Networks:
    """Networks that see known pixels and which they are; see `networks.with_known_pixels`."""
    shape = data.shape
    reader = networks.conv_reader(shape, sizes.width, seed=settings.seed + 2)
    pixels = math.prod(shape[:2])
    pair = _mlps(settings, data, sizes, to_generator=sizes.width, to_discriminator=pixels)
    dropout, noise = sizes.input_dropout, _INPAINTING_NOISE
    return networks.with_known_pixels(
        reader, *pair, shape, input_dropout=dropout, input_noise=noise
    )


def _mlps(
    settings: LatentSettings,
    data: TrainingData,
    sizes: Sizes,
    *,
    to_generator: int,
    to_discriminator: int,
) -> Networks:
    """Fully connected networks with so many further inputs, numbers, each."""
    generator = networks.mlp_generator(
        settings.latent_dim + to_generator,
        data.shape,
        hidden=[(sizes.width, "relu")] * 2,
        output_activation="sigmoid",
        seed=settings.seed,
        name="painter",
    )
    networks.set_marginal_bias(generator, data.examples.mean(axis=0))
    discriminator = networks.maxout_discriminator(
        (math.prod(data.shape) + to_discriminator,),
        units=sizes.units,
        irange=sizes.irange,
        input_dropout=0.0,
        seed=settings.seed + 1,
        name="judge",
    )
    return generator, discriminator


def training_set(settings: SemiSupervisedSettings, data_set: DataSet) -> DataSet:
    """The data with few labels, and these often."""
    if data_set.train.y is None:
        raise InputError(
            f"a semi-supervised recipe learns from labels, which {data_set.name} lacks"
        )
    return keep_labels(data_set, settings.labels, share=settings.labeled_share, seed=settings.seed)


def build_inference(
    settings: Any,
    data: TrainingData,
    sizes: Sizes,
    make_networks: Callable[[Any, TrainingData], Networks],
) -> tuple[GAN, dict[str, Any]]:
    """A model with an inference network of two layers of rectifiers.

    Args:
        settings: `InferenceSettings` and those of a recipe of two networks.
        data: The training data.
        sizes: Sizes of the inference network.
        make_networks: Makes G and D, where `stage1` names no run that has them.
    """
    prior = settings.make_prior()
    if settings.stage1:
        generator, discriminator = _finished(settings, data.shape)
    else:
        generator, discriminator = make_networks(settings, data)
    encoder = networks.mlp_encoder(
        data.shape,
        parameters(prior),
        hidden=(sizes.width,) * 2,
        noise=sizes.encoder_noise,
        seed=settings.seed,
    )
    gan = GAN(
        generator,
        discriminator,
        prior,
        auxiliary_networks=[Inference(encoder, prior)],
        seed=settings.seed,
        ema=settings.ema,
    )
    return gan, {
        **settings.compile_arguments(data, settings.loss),
        "auxiliary_optimizers": [keras.optimizers.Adam(settings.auxiliary_learning_rate)],
    }


def _finished(settings: Any, shape: tuple[int, ...]) -> Networks:
    """The networks of the run `stage1`: G, with EMA weights where it has them, and D.

    Raises:
        InputError: The run is not finished, its networks would move, or they do not fit the recipe.
    """
    if settings.update != "fixed":
        raise InputError("the networks of --stage1 are finished: add --update fixed")
    gan = Run.open(settings.stage1).gan()
    for name, theirs, ours in (
        ("latents from", str(gan.prior), str(settings.make_prior())),
        ("examples of shape", gan.example_shape, tuple(shape)),
        ("a condition", str(gan.condition), "None"),
    ):
        if theirs != ours:
            raise InputError(f"--stage1 {settings.stage1} has {name} {theirs}; here it is {ours}")
    generator = gan.ema_generator or gan.generator
    copy = type(generator).from_config({**generator.get_config(), "name": "generator"})
    copy.set_weights(generator.get_weights())
    return copy, gan.discriminator
