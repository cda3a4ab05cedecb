"""What the tests of export share: trained runs, their exports, and a convolutional model."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_gan
from export import replay, saved_model, web
from export.__main__ import main
from export.subject import Subject
from keras_gan import Run, layers, priors, train
from keras_gan.data import GlobalContrastNormalization

# The recipe of each kind of model, and the signatures of their exports.
SIGNATURES = {
    "digits": ("serving_default", "sample", "png", "discriminator"),
    "digits_conditional": ("serving_default", "sample", "png", "classes", "discriminator"),
    "digits_inference": ("serving_default", "sample", "png", "encode", "discriminator"),
    "digits_inpainting": ("serving_default", "sample", "png", "inpaint", "discriminator"),
}


@dataclasses.dataclass(frozen=True)
class Export:
    """A version that the command exported from a run, and what it printed."""

    run: Run
    path: Path
    printed: str
    signatures: Sequence[str]


@contextlib.contextmanager
def replayed() -> Iterator[None]:
    """Exports are tried in this process: each fresh one would import TensorFlow again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved_model, "run", lambda path, asked: replay.replay(str(path), asked))
        yield


@pytest.fixture(scope="session")
def replayed_here() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Makes a context in which exports are tried in this process."""
    return replayed


@pytest.fixture(scope="session")
def export_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Export]:
    """From a recipe's name to a run one epoch long, exported with warm-up requests.

    The plain model in every format, and tried in a fresh process: ONNX of the others has tests of
    its own, and a fresh process loads them in test_saved_model.py.
    """

    @functools.cache
    def make(recipe: str) -> Export:
        path, output = tmp_path_factory.mktemp("runs") / recipe, tmp_path_factory.mktemp("models")
        training = ("--epochs", "1", "--likelihood-every", "1", "--run-dir", str(path))
        assert train.main(["--recipe", recipe, *training]) == 0
        printed, formats = io.StringIO(), ["--formats", "saved_model"]
        if recipe == "digits":
            formats += ["onnx", "onnx_float16"]
        chosen = ("--signatures", *SIGNATURES[recipe])
        tried = contextlib.nullcontext if recipe == "digits" else replayed
        with redirect_stdout(printed), tried():
            code = main([str(path), "--output", str(output), *formats, *chosen, "--warmup"])
        assert code == 0
        return Export(Run.open(path), output / recipe / "1", printed.getvalue(), SIGNATURES[recipe])

    return make


@pytest.fixture(scope="session", params=SIGNATURES)
def each_export(request: pytest.FixtureRequest, export_of: Callable[[str], Export]) -> Export:
    """The export of each kind of model."""
    return export_of(request.param)


@pytest.fixture(scope="session")
def export(export_of: Callable[[str], Export]) -> Export:
    """The export of the plain model."""
    return export_of("digits")


@pytest.fixture(scope="session")
def run(export: Export) -> Run:
    """The run of the plain model, with best and EMA weights."""
    return export.run


@pytest.fixture(scope="session")
def photos() -> keras_gan.GAN:
    """Color images: a normal prior, convolutions, batch normalization, noise while sampling."""
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
    """That model on the scale of contrast normalization, whose inverse clips."""
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


@pytest.fixture
def needs_onnxruntime_web(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime Web in a cache of the tests; skips the test where npm's registry has none."""
    folder = pytestconfig.cache.mkdir("onnxruntime-web")
    monkeypatch.setenv("KERAS_GAN_CACHE", str(folder))
    try:
        web.package()
    except keras_gan.InputError:
        pytest.skip("needs onnxruntime-web from npm's registry")
