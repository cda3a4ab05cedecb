"""Data sets of tensorflow-datasets: small builders made here, MNIST and CIFAR-10 where they are."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from small import refused

from keras_gan.data import PictureOptions, load, open_shards

RNG = np.random.default_rng(5)
IMAGES = RNG.integers(0, 256, (120, 4, 3, 3), dtype=np.uint8)


class KerasGanImages(tfds.core.GeneratorBasedBuilder):
    """Small sets of images; their content depends on the configuration."""

    VERSION = tfds.core.Version("1.2.0")
    RELEASE_NOTES = {"1.2.0": "For tests."}  # noqa: RUF012
    BUILDER_CONFIGS = [  # noqa: RUF012
        tfds.core.BuilderConfig(name=name)
        for name in (
            "plain",
            "validated",
            "unlabeled",
            "one_label",
            "sizes",
            "one_size",
            "two",
            "no_train",
            "fails",
        )
    ]

    def _info(self) -> tfds.core.DatasetInfo:
        variable = self.builder_config.name in ("one_label", "sizes", "one_size")
        shape = (None, None, 3) if variable else (4, 3, 3)
        features = {
            "image": tfds.features.Image(shape=shape, encoding_format="png"),
            "number": tfds.features.Scalar(np.int64),
            "kind": tfds.features.ClassLabel(names=["even", "odd"]),
            "ten": tfds.features.ClassLabel(num_classes=12),
            "boxes": tfds.features.Sequence(tfds.features.Scalar(np.int64)),  # of any length
        }
        if self.builder_config.name == "unlabeled":
            del features["kind"], features["ten"]
        if self.builder_config.name == "one_label":
            del features["kind"]
        if self.builder_config.name == "two":
            features["left"] = features["right"] = features.pop("image")
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "kind") if {"image", "kind"} <= features.keys() else None,
        )

    def _split_generators(self, dl_manager):
        splits = {
            "plain": {"train": range(40), "test": range(40, 120)},
            "validated": {"train": range(40), "validation": range(40, 50), "test": range(50, 60)},
            "no_train": {"left": range(9), "right": range(9)},
        }
        if self.builder_config.name == "fails":
            raise OSError("the server does not answer\nand never will")
        chosen = splits.get(self.builder_config.name, {"train": range(60)})
        return {split: self._generate_examples(rows) for split, rows in chosen.items()}

    def _generate_examples(self, rows):
        for row in rows:
            odd_one = self.builder_config.name == "sizes" and row % 20 == 13
            image = IMAGES[row, :, :2] if odd_one else IMAGES[row]
            example = {
                "image": image,
                "number": row,
                "kind": row % 2,
                "ten": row // 10,
                "boxes": [1] * (row % 3),
            }
            if self.builder_config.name == "two":
                example["left"] = example["right"] = example.pop("image")
            yield row, {key: example[key] for key in self.info.features}


class KerasGanWords(tfds.core.GeneratorBasedBuilder):
    """No images at all."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        depth = tfds.features.Image(shape=(2, 2, 1), dtype=np.uint16)
        features = {"text": tfds.features.Text(), "depth": depth}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i in range(12):
            yield i, {"text": "word", "depth": np.full((2, 2, 1), i, np.uint16)}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    """A TFDS directory with every configuration above; the plain one in three shards."""
    folder = tmp_path_factory.mktemp("tfds")
    for config in KerasGanImages.BUILDER_CONFIGS[:-1]:
        shards = tfds.download.DownloadConfig(num_shards=3 if config.name == "plain" else 1)
        builder = KerasGanImages(config=config, data_dir=folder)
        builder.download_and_prepare(download_config=shards)
    KerasGanWords(data_dir=folder).download_and_prepare()
    return folder


def test_images_and_labels_come_in_the_order_of_the_index(data_dir):
    data = load("keras_gan_images/plain", data_dir=data_dir)
    assert data.element_shape == (4, 3, 3)
    assert data.label_names == ("even", "odd")
    assert "keras_gan_images/plain 1.2.0 (tensorflow-datasets)" in data.provenance
    # The test split is the set's own, so the order is that of TFDS's index slices, over all shards.
    builder = tfds.builder("keras_gan_images/plain", data_dir=data_dir)
    assert builder.info.splits["test"].num_shards == 3
    for i in (0, 16, 47, 79):
        (example,) = tfds.as_numpy(builder.as_dataset(split=f"test[{i}:{i + 1}]"))
        np.testing.assert_array_equal(data.test.x[i], IMAGES[example["number"]])
        assert data.test.y[i] == example["number"] % 2
    shown = sorted(image.tobytes() for image in data.test.x)
    assert shown == sorted(image.tobytes() for image in IMAGES[40:])
    held = np.concatenate([data.train.x, data.validation.x])
    assert [len(data.train), len(data.validation)] == [36, 4]
    assert sorted(image.tobytes() for image in held) == sorted(p.tobytes() for p in IMAGES[:40])
    assert load("keras_gan_images/plain", data_dir=str(data_dir)).fingerprint == data.fingerprint


def test_a_set_with_its_own_validation_split(data_dir):
    data = load("keras_gan_images/validated", data_dir=data_dir)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [40, 10, 10]
    expected = sorted(p.tobytes() for p in IMAGES[40:50])
    assert sorted(image.tobytes() for image in data.validation.x) == expected


def test_a_set_without_labels_or_test_split(data_dir):
    data = load("keras_gan_images/unlabeled", data_dir=data_dir)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [48, 6, 6]
    assert data.train.y is None
    assert data.label_names is None


def test_the_only_label_there_is_is_taken(data_dir):
    data = load("keras_gan_images/one_label", data_dir=data_dir)
    assert data.label_names == tuple(str(i) for i in range(12))
    tens = {image.tobytes(): i // 10 for i, image in enumerate(IMAGES)}
    for split in (data.train, data.validation, data.test):
        assert [tens[image.tobytes()] for image in split.x] == split.y.tolist()


def test_images_of_unstated_but_equal_size(data_dir):
    data = load("keras_gan_images/one_size", data_dir=data_dir)
    assert data.element_shape == (4, 3, 3)
    held = np.concatenate([data.train.x, data.validation.x, data.test.x])
    assert sorted(image.tobytes() for image in held) == sorted(p.tobytes() for p in IMAGES[:60])


def test_images_of_several_sizes_are_treated_like_those_of_a_folder(data_dir, tmp_path):
    name, options = "keras_gan_images/sizes", PictureOptions(size="3x4")
    data = load(name, data_dir=data_dir, pictures=options, cache_dir=tmp_path)
    assert isinstance(data.train.x, np.memmap)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [48, 6, 6]
    assert data.label_names == ("even", "odd")
    assert data.description[0].startswith(f"{name} 1.2.0 (tensorflow-datasets): 60 pictures of 2x4")
    numbers = {image.tobytes(): i for i, image in enumerate(IMAGES[:60]) if i % 20 != 13}
    of_train = [numbers.get(image.tobytes(), -1) for image in data.train.x]
    known = np.array(of_train) >= 0
    assert (~known).sum() <= 3  # those of another size, which were scaled
    np.testing.assert_array_equal(data.train.y[known], np.array(of_train)[known] % 2)
    again = load(name, data_dir=data_dir, pictures=options, cache_dir=tmp_path)
    assert again.fingerprint == data.fingerprint
    assert again.description[-1].startswith("read from")
    with refused(r"all images must have one size, but in split `train\[:48\]` .* example 0 is"):
        open_shards(name, data_dir)


def test_the_default_configuration_and_the_environment(data_dir, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(data_dir))
    data = load("keras_gan_images")
    assert data.fingerprint == load("keras_gan_images/plain").fingerprint


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("keras_gan_words", "must hold an image of bytes.* It holds: depth, text"),
        ("keras_gan_images/two", "where there are several. It holds: boxes, kind, left, number"),
        ("keras_gan_images/no_train", r"no split `train`. It has: \['left', 'right'\]"),
        ("keras_gan_images/other", "keras_gan_images/other in .* cannot be opened: .*other"),
    ],
)
def test_sets_that_cannot_be_used_are_refused(data_dir, name, message):
    with refused(message):
        load(name, data_dir=data_dir)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnits", "did you mean mnist"),
        ("fashion_mnst", "did you mean fashion_mnist"),
        ("digit", "did you mean digits"),
        ("tfdd", "did you mean tfd"),
        ("qqqqqq", "no file or folder of that name: Data sets are digits, .*tfd and"),
        ("huggingface:mnist", "there is no data set 'huggingface:mnist'"),
        ("", "there is no data set ''"),
        ("mnist:3.0.1", "there is no data set"),
    ],
)
def test_unknown_names_are_refused_with_a_hint(tmp_path, name, hint):
    with refused(hint):
        load(name, data_dir=tmp_path)


@pytest.mark.parametrize(
    "name", ["mnist", "fashion_mnist", "imagenet_resized/64x64", "iris", "tfd"]
)
def test_what_is_not_there_is_neither_fetched_nor_waited_for(tmp_path, name, monkeypatch, capfd):
    def no_network(*args, **kwargs):
        raise AssertionError("the network was tried")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    how = "ask its authors" if name == "tfd" else "--download.* TFDS_DATA_DIR"
    with refused(rf"{tmp_path}.*{how}"):
        load(name, data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_download_prepares_what_is_not_there(tmp_path, data_dir):
    with refused("keras_gan_images/plain is not prepared in"):
        load("keras_gan_images/plain", data_dir=tmp_path)
    data = load("keras_gan_images/plain", data_dir=tmp_path, download=True)
    assert len(data.test) == 80
    assert load("keras_gan_images/plain", data_dir=tmp_path).fingerprint == data.fingerprint


def test_a_download_that_fails_is_one_line(tmp_path):
    with refused("keras_gan_images/fails cannot be prepared: the server does not answer$"):
        load("keras_gan_images/fails", data_dir=tmp_path, download=True)
    with refused("keras_gan_images/fails is not prepared in"):  # nothing half-made is left
        load("keras_gan_images/fails", data_dir=tmp_path)


def damage(folder: Path, kind: str) -> None:
    record = next(folder.glob("*-train.tfrecord*"))
    content = bytearray(record.read_bytes())
    if kind == "cut":
        record.write_bytes(content[: len(content) // 2])
    elif kind == "flipped":
        content[len(content) // 2] ^= 0xFF
        record.write_bytes(content)
    elif kind == "missing":
        record.unlink()
    elif kind == "info":
        (folder / "dataset_info.json").write_text('{"name"')
    elif kind == "features":
        (folder / "features.json").write_text("[]")


@pytest.mark.parametrize("kind", ["cut", "flipped", "missing", "info", "features"])
def test_damaged_data_is_refused(data_dir, tmp_path, kind):
    shutil.copytree(data_dir / "keras_gan_images", tmp_path / "keras_gan_images")
    damage(tmp_path / "keras_gan_images" / "unlabeled" / "1.2.0", kind)
    with refused("is damaged: delete it" if kind in ("cut", "flipped", "missing") else "cannot be"):
        load("keras_gan_images/unlabeled", data_dir=tmp_path)


def test_more_than_the_memory_holds_is_refused(data_dir, tmp_path):
    shutil.copytree(data_dir / "keras_gan_images", tmp_path / "keras_gan_images")
    path = tmp_path / "keras_gan_images" / "unlabeled" / "1.2.0" / "dataset_info.json"
    info = json.loads(path.read_text())
    info["splits"][0]["shardLengths"] = [str(10**15)]
    path.write_text(json.dumps(info))
    with refused("takes 33,527,613 GiB, .*--stream"):
        load("keras_gan_images/unlabeled", data_dir=tmp_path)


# Real data, where TFDS_DATA_DIR has them


def slice_of(name: str, split: str) -> np.ndarray:
    examples = tfds.load(name, split=split, data_dir=os.environ["TFDS_DATA_DIR"])
    return np.stack([example["image"] for example in tfds.as_numpy(examples)])


def test_mnist_and_cifar10_have_the_papers_splits(needs_mnist):
    mnist = load("mnist", data_dir=needs_mnist)
    whole = np.concatenate([mnist.train.x, mnist.validation.x])
    np.testing.assert_allclose([whole.mean(), mnist.test.x.mean()], [33.318, 33.791], atol=1e-3)
    sizes = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(mnist.test.y).tolist() == sizes
    assert "other images than the paper's" in mnist.provenance

    there = [(mnist, 50_000, (28, 28, 1))]
    if (needs_mnist / "cifar10").is_dir():
        there.append((load("cifar10", data_dir=needs_mnist), 40_000, (32, 32, 3)))
    for data, n, shape in there:
        assert [len(s) for s in (data.train, data.validation, data.test)] == [n, 10_000, 10_000]
        assert data.element_shape == shape
        borders = [(data.train, slice(-3, None)), (data.validation, slice(0, 3))]
        for (split, rows), first in zip(borders, (n - 3, n), strict=True):
            expected = slice_of(data.name, f"train[{first}:{first + 3}]")
            np.testing.assert_array_equal(split.x[rows], expected)
