"""The networks of the paper's section 7, in the sizes of the digits' and of MNIST's networks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import keras

from keras_gan import experiment, networks
from keras_gan.conditioning import Classes, Inpainting
from keras_gan.core.errors import InputError
from keras_gan.data import DataSet, keep_labels
from keras_gan.experiment import TrainingData, setting
from keras_gan.recipes.mnist_tuned import INPUT_NOISE
from keras_gan.recipes.settings import (
    AdamSettings,
    Built,
    LatentSettings,
    Networks,
    first_stage,
    model,
    output_activation,
    start_at_mean,
)
from keras_gan.training.inference import Inference, parameters

CLASSES = 10
_INPAINTING_NOISE = 0.1  # on the images as D sees them: the known pixels must be seen well


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
        "",
        "finished run whose G and D the inference network learns from (with --update fixed)",
        path="folder",
    )


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The widths and noises in which the digits' networks and MNIST's differ."""

    width: int  # units of each hidden layer of G, and of an inference network
    units: int  # maxout units of each hidden layer of D
    irange: float  # half width of D's initial weights
    input_dropout: float  # rate of dropout on the images as D sees them
    encoder_noise: float  # standard deviation on the images as an inference network sees them


DIGITS = Sizes(256, 96, irange=0.02, input_dropout=0.0, encoder_noise=0.1)
MNIST = Sizes(1200, 240, irange=0.005, input_dropout=0.2, encoder_noise=0.3)


def build_conditional(settings: Any, data: TrainingData, sizes: Sizes) -> Built:
    """A model whose networks see a class; see `networks.with_classes`."""
    pair = networks.with_classes(
        *_mlps(settings, data, sizes, to_generator=CLASSES, to_discriminator=CLASSES),
        data.shape,
        CLASSES,
        input_dropout=sizes.input_dropout,
        input_noise=INPUT_NOISE,
    )
    return model(settings, data, *pair, condition=Classes(CLASSES))


def build_inpainting(settings: InpaintingSettings, data: TrainingData, sizes: Sizes) -> Built:
    """A model whose networks see known pixels and which they are; see `with_known_pixels`."""
    shape, width = data.shape, sizes.width
    pair = networks.with_known_pixels(
        networks.conv_reader(shape, width, seed=settings.seed + 2),
        *_mlps(settings, data, sizes, to_generator=width, to_discriminator=math.prod(shape[:2])),
        shape,
        input_dropout=sizes.input_dropout,
        input_noise=_INPAINTING_NOISE,
    )
    return model(settings, data, *pair, "inpainting", condition=Inpainting(shape))


def _mlps(
    settings: Any, data: TrainingData, sizes: Sizes, *, to_generator: int, to_discriminator: int
) -> Networks:
    """Fully connected networks with so many further inputs, numbers, each."""
    generator = networks.mlp_generator(
        settings.latent_dim + to_generator,
        data.shape,
        hidden=[(sizes.width, "relu")] * 2,
        output_activation=output_activation(settings),
        seed=settings.seed,
        name="generator_mlp",
    )
    start_at_mean(generator, settings, data)
    discriminator = networks.maxout_discriminator(
        (math.prod(data.shape) + to_discriminator,),
        units=sizes.units,
        irange=sizes.irange,
        input_dropout=0.0,
        seed=settings.seed + 1,
        name="discriminator_mlp",
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
    settings: Any, data: TrainingData, sizes: Sizes, make_networks: Callable[..., Networks]
) -> Built:
    """A model with an inference network of two layers of rectifiers; `stage1` may have G and D."""
    make = _finished if settings.stage1 else make_networks
    prior = settings.make_prior()
    encoder = networks.mlp_encoder(
        data.shape,
        parameters(prior),
        hidden=(sizes.width,) * 2,
        noise=sizes.encoder_noise,
        seed=settings.seed,
    )
    inference = Inference(encoder, prior)
    gan, arguments = model(settings, data, *make(settings, data), auxiliary_networks=[inference])
    optimizer = keras.optimizers.Adam(settings.auxiliary_learning_rate)
    return gan, {**arguments, "auxiliary_optimizers": [optimizer]}


def _finished(settings: Any, data: TrainingData) -> Networks:
    """The networks of the run `stage1`: G, with EMA weights where it has them, and D."""
    if settings.update != "fixed":
        raise InputError("the networks of --stage1 are finished: add --update fixed")
    gan = first_stage(settings).gan()
    for name, theirs, ours in (
        ("latents from", str(gan.prior), str(settings.make_prior())),
        ("examples of shape", gan.example_shape, data.shape),
        ("a condition", str(gan.condition), "None"),
    ):
        if theirs != ours:
            raise InputError(f"--stage1 {settings.stage1} has {name} {theirs}; here it is {ours}")
    generator = gan.ema_generator or gan.generator
    copy = type(generator).from_config({**generator.get_config(), "name": "generator"})
    copy.set_weights(generator.get_weights())
    return copy, gan.discriminator
