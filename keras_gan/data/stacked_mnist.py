"""Stacked MNIST: images of three random digits, one on each channel."""

from __future__ import annotations

import os

import numpy as np

from keras_gan.data.dataset import DataSet, Split
from keras_gan.data.from_tfds import load_tfds

SIZES = {"train": 128_000, "validation": 10_000, "test": 26_000}  # as in Lin et al. 2018


def load(data_dir: str | os.PathLike[str] | None = None, download: bool = False) -> DataSet:
    """Stacks of MNIST's images, uint8 `[n, 28, 28, 3]`, without labels.

    Metz et al. 2017 (arXiv:1611.02163), appendix; in the sizes of Lin et al. 2018
    (arXiv:1712.04086): 128,000 to train and 26,000 to test, of the images of MNIST's own splits.
    """
    mnist = load_tfds("mnist", data_dir, download)
    splits = {}
    for seed, (name, size) in enumerate(SIZES.items()):
        images = getattr(mnist, name).x[..., 0]
        chosen = np.random.default_rng(seed).integers(0, len(images), (size, 3))
        stacks = np.stack([images[chosen[:, channel]] for channel in range(3)], axis=-1)
        splits[name] = Split(stacks, origin=f"stacked_mnist: {name}")
    provenance = f"stacks of three random images of {mnist.provenance}; seeds 0 to 2"
    train, validation, test = splits.values()
    return DataSet("stacked_mnist", train, validation, test, provenance=provenance)
