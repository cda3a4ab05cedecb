"""Feature networks and their resizing against independent implementations."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import types

import keras
import numpy as np
import pytest
import reference_features
import small
import tensorflow as tf
from PIL import Image

from keras_gan import InputError
from keras_gan.evaluation import features
from keras_gan.evaluation.features import base, efficientnet, inception, resizing, torch_files

PICTURES = reference_features.pictures()
TENSORS = reference_features.GOLDEN / "tensors.pth"


@pytest.fixture(scope="module")
def golden():
    with np.load(reference_features.GOLDEN / "features.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def lite0():
    return features.load("efficientnet_lite0")


def mean_colors():
    """A feature network that counts how often it is traced."""
    traces = []

    def model(images):
        traces.append(images.shape)
        return tf.reduce_mean(images, axis=(1, 2))

    network = base.PretrainedNetwork("colors", "0", "none", lambda images: images, model)
    return network, traces


# ---------------------------------------------------------------------------- resizing


@pytest.mark.parametrize("size", [9, 28, 40, 75])
@pytest.mark.parametrize("shape", [(28, 28), (40, 28), (75, 31)], ids=str)
def test_clean_is_pillow(shape, size):
    images = np.random.default_rng(0).integers(0, 256, (2, *shape, 3)).astype(np.float32)
    wanted = [
        [
            Image.fromarray(channel, mode="F").resize((size, size), Image.Resampling.BICUBIC)
            for channel in np.ascontiguousarray(np.moveaxis(image, -1, 0))
        ]
        for image in images
    ]
    wanted = np.moveaxis([[np.asarray(channel) for channel in image] for image in wanted], 1, -1)
    found = resizing.clean(tf.constant(images), size).numpy()
    np.testing.assert_allclose(found, np.clip(wanted, 0, 255), atol=1e-3)
    if shape == (size, size):
        np.testing.assert_allclose(found, images, atol=1e-4)


@pytest.mark.parametrize("size", [9, 40, 75])
def test_tensorflow_1_is_without_half_pixels(size):
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 28, 3)).astype(np.float32)

    def weights(length):
        places = np.arange(size) * length / size
        low = np.floor(places).astype(int)
        matrix = np.zeros((size, length))
        np.add.at(matrix, (np.arange(size), low), 1 - (places - low))
        np.add.at(matrix, (np.arange(size), np.minimum(low + 1, length - 1)), places - low)
        return matrix

    wanted = np.einsum("ah,nhwc,bw->nabc", weights(40), images, weights(28))
    found = resizing.tensorflow_1(tf.constant(images), size).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-3)


# ----------------------------------------------------------------------------- pictures


def test_gray_and_transparent_pictures():
    network, _ = mean_colors()
    gray = np.array([[[[100]]], [[[7]]]], np.uint8)
    np.testing.assert_array_equal(network.features(gray), [[100] * 3, [7] * 3])
    transparent = np.array([[[[100, 0]]], [[[100, 51]]], [[[100, 255]]]], np.uint8)
    np.testing.assert_array_equal(network.features(transparent)[:, 0], [255, 224, 100])
    in_color = np.array([[[[10, 20, 30, 0]]], [[[10, 20, 30, 255]]]], np.uint8)
    np.testing.assert_array_equal(network.features(in_color), [[255] * 3, [10, 20, 30]])


def test_floats_are_rounded_to_bytes():
    network, _ = mean_colors()
    floats = np.array([0, 0.5 / 255 + 1e-6, 0.25, 1], np.float32).reshape(4, 1, 1, 1)
    np.testing.assert_array_equal(network.features(floats)[:, 0], [0, 1, 64, 255])
    np.testing.assert_array_equal(
        network.features(floats.astype(np.float16))[:, 0], [0, 1, 64, 255]
    )


def test_batches_have_one_size_and_are_traced_once():
    network, traces = mean_colors()
    images = np.random.default_rng(0).integers(0, 256, (150, 5, 4, 3), np.uint8)
    found = network.features(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, images.mean(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_array_equal(network.features(images[:3]), found[:3])
    assert traces == [(32, 5, 4, 3)]
    large = np.zeros((3, 2048, 1024, 1), np.uint8)
    assert network.features(large).shape == (3, 3)
    assert traces[1:] == [(2, 2048, 1024, 3)]


def test_replicas_share_the_pictures(lite0):
    """A network that is loaded for two devices gives what one device gives, in the same order."""
    network = features.load("efficientnet_lite0", small.devices())
    images = np.random.default_rng(0).integers(0, 256, (70, 8, 8, 3), np.uint8)
    found = network.features(images)
    assert found.shape == (70, 1280)
    np.testing.assert_allclose(found, lite0.features(images), atol=1e-5)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 4, 4), np.uint8), r"\[n, h, w, c\]"),
        (np.zeros((2, 4, 4, 5), np.uint8), "channels"),
        (np.zeros((0, 4, 4, 3), np.uint8), "shape"),
        (np.zeros((2, 4, 4, 3), np.int64), "uint8 or floats"),
        (np.full((2, 4, 4, 3), 255.0), "from 255 to 255"),
        (np.full((2, 4, 4, 3), -1.0), "from -1 to -1"),
        (np.full((2, 4, 4, 3), np.nan), "from nan to nan"),
    ],
    ids=["gray", "channels", "none", "int64", "255", "negative", "nan"],
)
def test_other_arrays_are_refused(images, message):
    with pytest.raises(InputError, match=message):
        mean_colors()[0].features(images)


# ----------------------------------------------------------------------------- networks


def test_lite0_against_pytorch(lite0, golden):
    found = lite0.features(PICTURES)
    np.testing.assert_allclose(found, golden["lite0"], rtol=1e-4, atol=1e-4)
    # What half precision costs.
    error = np.linalg.norm(found - golden["lite0_published"])
    assert error < 0.01 * np.linalg.norm(golden["lite0_published"])


def test_lite0_is_pinned(lite0):
    assert lite0.name == "efficientnet_lite0"
    assert lite0.weights == "57354e8c1d6a50950094c63f9b00ff73887f3cffbc62bdb4601b3bcc8dfe0a7c"
    assert lite0.weights == hashlib.sha256(efficientnet.FILE.read_bytes()).hexdigest()
    assert "96 x 96" in lite0.resizing


def test_inception_against_pytorch(golden, monkeypatch):
    monkeypatch.setattr(base, "_BATCH", 1)
    shapes = [tuple(map(int, shape.split())) for shape in golden["inception_shapes"]]
    weights = reference_features.random_weights(golden["inception_names"].tolist(), shapes)
    network = inception.Inception(weights, "0")
    found = network.features(PICTURES[:1])
    np.testing.assert_allclose(found, golden["inception"], rtol=1e-4, atol=1e-4)
    wanted = golden["inception_probabilities"]
    np.testing.assert_allclose(network.classify(found), wanted, rtol=1e-3, atol=1e-7)
    assert (network.name, network.weights) == ("inception_2015", "0")


def test_another_file_for_inception_is_refused(tmp_path):
    for name in ("inception_2015", "inception_2015_clean"):
        with pytest.raises(InputError, match=r"is not pt_inception-2015-12-05-6726825d\.pth"):
            features.load(f"{name}:{TENSORS}")
        with pytest.raises(InputError, match=r"none\.pth cannot be read: No such file"):
            features.load(f"{name}:{tmp_path / 'none.pth'}")


class Backbone:
    """Stands for KerasHub's: the class token is the mean color."""

    @classmethod
    def from_preset(cls, preset, image_shape, dtype):
        if preset != "small":
            raise ValueError("no such preset\nmore lines")
        assert (image_shape, dtype) == ((224, 224, 3), "float32")
        return cls()

    def get_weights(self):
        return [np.arange(3, dtype=np.float32)]

    def __call__(self, inputs, training):
        assert not training
        return tf.reduce_mean(inputs["images"], axis=2)[:, :1]


def test_dinov2_by_keras_hub(monkeypatch):
    hub = types.SimpleNamespace(models=types.SimpleNamespace(DINOV2Backbone=Backbone))
    monkeypatch.setitem(sys.modules, "keras_hub", hub)
    network = features.load("dinov2:small")
    color = np.array([124, 30, 200], np.uint8)
    found = network.features(np.broadcast_to(color, (2, 8, 8, 3)))
    wanted = (color / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(found, [wanted, wanted], rtol=1e-5, atol=1e-6)
    assert (network.name, len(network.weights)) == ("dinov2", 64)
    with pytest.raises(InputError, match=r"cannot load 'large' as DINOv2.*: no such preset$"):
        features.load("dinov2:large")
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(InputError, match="pip install keras-hub"):
        features.load("dinov2:small")


@pytest.mark.parametrize(
    "name", ["", "vgg", "efficientnet_lite0:file", "dinov2", "inception_2015:"]
)
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match="choose efficientnet_lite0, inception_2015:FILE"):
        features.load(name)


def test_the_hash_of_a_classifier_is_of_its_weights():
    layer = keras.layers.Dense(2)
    inputs = keras.Input((3,))
    network = features.Classifier(keras.Model(inputs, (layer(inputs), inputs)))
    first = network.weights
    assert (network.name, network.resizing, network.weights) == ("classifier", "none", first)
    layer.bias.assign([0, 1])
    assert first != network.weights
    layer.bias.assign([0, 0])
    assert first == network.weights


# ------------------------------------------------------------------------ files of PyTorch


def test_tensors_of_pytorch():
    tensors = torch_files.read(TENSORS)
    numbers = np.arange(24, dtype=np.float32)
    np.testing.assert_array_equal(tensors["turned"], numbers.reshape(2, 3, 4).transpose(2, 0, 1))
    np.testing.assert_array_equal(tensors["part"], numbers[20:])
    np.testing.assert_array_equal(tensors["running_var"], np.ones(2, np.float32))
    assert tensors["num_batches_tracked"].dtype == np.int64
    assert tensors["num_batches_tracked"].shape == ()


class Evil:
    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_code_in_files_of_pytorch_is_not_run(tmp_path):
    Evil.path = str(tmp_path / "made")
    content = [0x1950A86A20F9469CFC6C, 1001, {}, {"tensor": Evil()}, []]
    file = tmp_path / "evil.pth"
    file.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in content))
    with pytest.raises(InputError, match="not a state dict"):
        torch_files.read(file)
    assert not (tmp_path / "made").exists()


def test_broken_files_of_pytorch_are_refused(tmp_path):
    whole = TENSORS.read_bytes()
    file = tmp_path / "broken.pth"
    for content in (b"", b"PK\x03\x04", whole[:100], whole[:-1], whole.replace(b"K\x18", b"K\x19")):
        file.write_bytes(content)
        with pytest.raises(InputError, match="not a state dict"):
            torch_files.read(file)


def test_batch_normalization_is_folded():
    random = np.random.default_rng(0)
    kernel = random.standard_normal((3, 3, 2, 4))
    names = ("n.weight", "n.bias", "n.running_mean", "n.running_var")
    weight, bias, mean, variance = (random.uniform(0.5, 2, 4) for _ in range(4))
    tensors = dict(zip(names, (weight, bias, mean, variance), strict=True))
    tensors["c.weight"] = kernel.transpose(3, 2, 0, 1)
    folded, shift = torch_files.folded(tensors, "c", "n")
    x = keras.ops.convert_to_tensor(random.standard_normal((1, 5, 5, 2)))
    y = keras.ops.conv(x, kernel, padding="same")
    wanted = keras.ops.batch_normalization(y, mean, variance, -1, bias, weight, epsilon=1e-3)
    np.testing.assert_allclose(keras.ops.conv(x, folded, padding="same") + shift, wanted, rtol=1e-6)
