"""Small networks for tests, built in milliseconds, with every kind of layer of the recipes.

And what many tests need besides.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gan
from keras_gan import InputError, augmentation, conditioning, layers, networks, priors, recipes
from keras_gan.data import DataSet, preprocessing
from keras_gan.experiment import TrainingData
from keras_gan.experiment.run import Run
from keras_gan.training import inference, run_config

# How a function of tensors is run.
MODES = {
    "eager": lambda function: function,
    "graph": lambda function: tf.function(function, autograph=False),
    "xla": lambda function: tf.function(function, autograph=False, jit_compile=True),
}
modes = pytest.mark.parametrize("mode", MODES)


@contextlib.contextmanager
def refused(message: str) -> Iterator[None]:
    """A context in which bad input is refused, in one line that matches the message."""
    with pytest.raises(InputError, match=message) as caught:
        yield
    assert "\n" not in str(caught.value)


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """A context in which layers are made with this dtype policy."""
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")


def numbers(shape, seed=0, dtype=np.float32):
    """Numbers of a normal distribution."""
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def devices(n=2):
    """A strategy on CPUs. TensorFlow's collectives cannot change their number in a process."""
    return tf.distribute.MirroredStrategy(
        [f"CPU:{i}" for i in range(n)], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


@keras.saving.register_keras_serializable("tests")
class KerasNoise(augmentation.Augmentation):
    """Noise from a seed generator of Keras's; an augmentation, and a layer as any other."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.generator = keras.random.SeedGenerator(0)

    def call(self, examples):
        return examples + keras.random.normal(keras.ops.shape(examples), seed=self.generator)


def network_pair(seed=0, dropout=True, size=6, latent_dim=5, classes=None):
    generator = networks.mlp_generator(
        latent_dim,
        (size,),
        hidden=[(12, "relu")],
        output_activation="sigmoid",
        irange=0.5,
        seed=seed,
    )
    discriminator = networks.maxout_discriminator(
        (size,),
        units=6,
        pieces=3,
        depth=1,
        irange=0.5,
        input_dropout=0.2 if dropout else 0.0,
        hidden_dropout=0.5 if dropout else 0.0,
        classes=classes,
        seed=seed + 1,
    )
    return generator, discriminator


def gan(seed=0, dropout=True, ema=None, classes=None, **compile_arguments):
    generator, discriminator = network_pair(seed, dropout, classes=classes)
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5), seed=seed, ema=ema)
    model.compile(
        keras_gan.optimizers.MomentumSGD(0.1, 0.5),
        keras_gan.optimizers.MomentumSGD(0.1, 0.5),
        **compile_arguments,
    )
    return model


CLASSES = 3


def semi_supervised_gan(**compile_arguments):
    """Weight-normalised layers in both networks, batch statistics in G."""
    generator = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(
                8, use_bias=False, kernel_initializer=keras.initializers.GlorotUniform(seed=0)
            ),
            keras.layers.BatchNormalization(synchronized=True),
            layers.WeightNormDense(
                6,
                "sigmoid",
                kernel_initializer=keras.initializers.GlorotUniform(seed=1),
                dtype="float32",
            ),
        ]
    )
    discriminator = networks.noisy_discriminator((6,), CLASSES, hidden=(8, 6), seed=1)
    networks.normalize_on(discriminator, examples(50), seed=2)
    model = keras_gan.GAN(generator, discriminator, priors.Uniform(5), ema=0.9)
    optimizers = [keras_gan.optimizers.MomentumSGD(0.1, 0.5) for _ in range(2)]
    model.compile(*optimizers, loss="semi_supervised", **compile_arguments)
    return model


def conditional_pair(seed=0):
    generator = networks.mlp_generator(
        5 + CLASSES,
        (6,),
        hidden=[(12, "relu")],
        output_activation="sigmoid",
        irange=0.5,
        seed=seed,
        name="generator_core",
    )
    discriminator = networks.maxout_discriminator(
        (6 + CLASSES,),
        units=6,
        depth=1,
        irange=0.5,
        input_dropout=0.0,
        seed=1,
        name="discriminator_core",
    )
    return networks.with_classes(generator, discriminator, (6,), CLASSES)


def conditional_gan(training="data", **compile_arguments):
    model = keras_gan.GAN(
        *conditional_pair(),
        priors.Uniform(5),
        condition=conditioning.Classes(CLASSES, training=training),
        ema=0.9,
    )
    optimizers = [keras_gan.optimizers.MomentumSGD(0.1, 0.5) for _ in range(2)]
    model.compile(*optimizers, **compile_arguments)
    return model


def auxiliary(prior, size=6, hidden=(32,)):
    network = networks.mlp_encoder((size,), inference.parameters(prior), hidden=hidden, seed=3)
    return inference.Inference(network, prior)


def inference_gan(prior=None, generator=None, **compile_arguments):
    prior = prior or priors.Uniform(5)
    made, discriminator = network_pair(latent_dim=prior.dimension)
    model = keras_gan.GAN(
        generator or made, discriminator, prior, auxiliary_networks=[auxiliary(prior)]
    )
    model.compile(
        *(keras_gan.optimizers.MomentumSGD(0.1, 0.5) for _ in range(2)),
        auxiliary_optimizers=[keras.optimizers.Adam(1e-2)],
        **compile_arguments,
    )
    return model


def inpainting_gan(shape=(6, 4, 1), **compile_arguments):
    size, pixels = np.prod(shape), np.prod(shape[:2])
    seen = keras.Input((*shape[:2], shape[2] + 1))
    reader = keras.Sequential([seen, keras.layers.Flatten()], name="reader")
    generator = networks.mlp_generator(
        5 + size + pixels,
        shape,
        hidden=[(24, "relu")],
        output_activation="sigmoid",
        irange=0.3,
        name="generator_core",
    )
    discriminator = networks.maxout_discriminator(
        (size + pixels,),
        units=8,
        depth=1,
        irange=0.3,
        input_dropout=0.0,
        seed=1,
        name="discriminator_core",
    )
    model = keras_gan.GAN(
        *networks.with_known_pixels(reader, generator, discriminator, shape),
        priors.Uniform(5),
        condition=conditioning.Inpainting(shape),
    )
    optimizers = [keras.optimizers.Adam(2e-3, beta_1=0.5) for _ in range(2)]
    model.compile(*optimizers, **compile_arguments)
    return model


def examples(n=40, size=6, seed=0):
    return np.random.default_rng(seed).random((n, size), dtype=np.float32)


def write_pictures(folder: Path, images, suffix: str = ".png", **options) -> None:
    """Files 00, 01, ... of pictures, which are arrays or Pillow's."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images):
        picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
        picture.save(folder / f"{i:02}{suffix}", **options)


def everything(data_set: DataSet) -> np.ndarray:
    """The examples of all splits."""
    return np.concatenate([data_set.train.x, data_set.validation.x, data_set.test.x])


def rows(x: np.ndarray) -> list[bytes]:
    """The bytes of each example, in an order that does not depend on theirs."""
    return sorted(row.tobytes() for row in x)


def reloaded(model: keras.Model, folder: Path) -> keras.Model:
    """The model as a file in this folder holds it."""
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras", safe_mode=True)


def weights(network: keras.Model) -> list[np.ndarray]:
    return [np.array(w) for w in network.get_weights()]


def largest_difference(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))


class Poison(keras.callbacks.Callback):
    """Breaks D at some steps, each once."""

    def __init__(self, *steps):
        super().__init__()
        self.steps = list(steps)

    def on_train_batch_begin(self, batch, logs=None):
        step = int(self.model.step.numpy())
        if step in self.steps:
            self.steps.remove(step)
            weight = self.model.discriminator.weights[-1]
            weight.assign(np.full(weight.shape, np.nan, np.float32))


class LogitMean(keras.metrics.Mean):
    """The mean of D's logits of data: a metric of a user."""

    def update_state(self, real, fake):
        super().update_state(real.logits)


# Shape of the data of each recipe that reads them.
SHAPES = {
    "pictures": (24, 17, 4),
    "mnist_10k": (28, 28, 1),
    "digits": (8, 8, 1),
    "digits_conditional": (8, 8, 1),
    "digits_inference": (8, 8, 1),
    "digits_inpainting": (8, 8, 1),
    "digits_semi_supervised": (8, 8, 1),
    "mnist": (28, 28, 1),
    "mnist_tuned": (28, 28, 1),
    "mnist_conditional": (28, 28, 1),
    "mnist_inference": (28, 28, 1),
    "mnist_inpainting": (28, 28, 1),
    "mnist_semi_supervised": (28, 28, 1),
    "mnist_r3gan": (28, 28, 1),
    "mnist_r3gan_conditional": (28, 28, 1),
    "stacked_mnist": (28, 28, 3),
    "tfd": (48, 48, 1),
    "tfd_stage2": (48, 48, 1),
    "sngan_cifar10": (32, 32, 3),
    "r3gan_cifar10": (32, 32, 3),
    "cifar10_mlp": (32, 32, 3),
    "cifar10_conv": (32, 32, 3),
    "cifar10_conv_tuned": (32, 32, 3),
    "own_data": (9, 7, 3),
}


def of_recipe(name: str, **changes):
    """A recipe's model of full size, untrained, its `compile` arguments, settings and scale."""
    recipe = recipes.get(name)
    if name == "pictures":
        changes = {"images": 1, **changes}  # no step has to be timed
    settings = recipe.settings(**changes)
    if recipe.has_own_data:
        examples = recipe.load_data(settings).train.x
    else:
        shape = (20, *SHAPES[name])
        examples = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    scale = preprocessing.fit(getattr(settings, "preprocessing", "identity"), examples)
    data = TrainingData.of(settings, scale.normalize(examples), size=50_000)
    settings = settings.resolve(data)
    return *recipe.build(settings, data), settings, scale


def first_stage(path: Path) -> str:
    """A run directory like one of recipe tfd, untrained and small, for its second stage."""
    settings = recipes.get("tfd").settings()
    generator = networks.mlp_generator(
        settings.latent_dim,
        SHAPES["tfd"],
        hidden=[(64, "relu"), (64, "sigmoid")],
        output_activation="sigmoid",
        irange=0.5,
    )
    discriminator = networks.maxout_discriminator(SHAPES["tfd"], units=1)  # it is not looked at
    run = Run(path, {"format": run_config.FORMAT, "identity": {}, "settings": {}})
    run.save_models(keras_gan.GAN(generator, discriminator, settings.make_prior()), epochs=1)
    return str(path)
