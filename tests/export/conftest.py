"""What the tests of export share: a trained run, its export, and a model with everything in it."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
from contextlib import redirect_stdout
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_gan
from export.__main__ import main
from export.subject import Subject
from keras_gan import layers, priors, train
from keras_gan.data import GlobalContrastNormalization
from keras_gan.run import Run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the digits recipe, one epoch long, with best and averaged weights."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    assert train.main(["--epochs", "1", "--likelihood-every", "1", "--run-dir", str(path)]) == 0
    return Run.open(path)


@dataclasses.dataclass(frozen=True)
class Export:
    """A version that the command made, and what it printed."""

    path: Path
    printed: str


@pytest.fixture(scope="session")
def export(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """The run in every format, with every signature and warm-up requests."""
    output = tmp_path_factory.mktemp("models")
    printed = io.StringIO()
    formats = ("--formats", "saved_model", "onnx", "onnx_float16")
    signatures = ("--signatures", "serving_default", "sample", "png", "discriminator")
    with redirect_stdout(printed):
        code = main([str(run.path), "--output", str(output), *formats, *signatures, "--warmup"])
    assert code == 0
    return Export(output / "digits" / "1", printed.getvalue())


@pytest.fixture(scope="session")
def photos() -> keras_gan.GAN:
    """Colour pictures: a normal prior, convolutions, batch normalisation, noise while sampling."""
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [
            keras.Input((6,), name="latents"),
            keras.layers.Dense(4 * 4 * 8),
            layers.Dropout(0.3, sampling=True),
            keras.layers.Reshape((4, 4, 8)),
            keras.layers.BatchNormalization(),
            keras.layers.Conv2DTranspose(3, 5, strides=2, padding="same"),
            layers.GaussianNoise(0.1, sampling=True),
            layers.UntiedBias(),
        ],
        name="generator",
    )
    moving_mean = generator.layers[3].moving_mean
    moving_mean.assign(np.linspace(-1, 1, 8))
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 3), name="images"),
            layers.Dropout(0.5),
            keras.layers.Conv2D(10, 3),
            layers.Maxout(2),
            layers.PartialMaxPooling2D(3, 2),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ],
        name="discriminator",
    )
    return keras_gan.GAN(generator, discriminator, priors.Normal(6))


@pytest.fixture(scope="session")
def photo_subject(photos: keras_gan.GAN) -> Subject:
    """The pictures' model on the scale of contrast normalisation, whose way back clips."""
    scale = GlobalContrastNormalization(gain=0.3, offset=0.45, norm=5.0)
    return Subject(photos.generator, photos.discriminator, photos.prior, scale)


@pytest.fixture(scope="session")
def node_modules(needs_node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which Node.js finds ONNX Runtime."""
    folder = tmp_path_factory.mktemp("node")
    # The package would download a GPU runtime from elsewhere; its CPU runtime comes with it.
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "onnxruntime-node", "onnxruntime-web"],
        cwd=folder,
        env={**os.environ, "ONNXRUNTIME_NODE_INSTALL": "skip"},
        check=True,
    )
    return folder
