"""Data sets that are installed with the package and need no download.

digits       1,797 images 8x8x1, of scikit-learn
mnist_10k    10,000 images 28x28x1 of MNIST
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import numpy as np

from keras_gan.data.dataset import DataSet, Split, hold_out


def _digits() -> DataSet:
    import sklearn
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (bunch.images / 16).astype(np.float32)  # gray values are 0..16: exact in float32
    return _split(
        "digits",
        Split(images, bunch.target, origin="digits"),
        f"handwritten digits bundled with scikit-learn {sklearn.__version__}",
    )


def _mnist_10k() -> DataSet:
    file = resources.files("keras_gan.data") / "mnist_10k.npz"
    with file.open("rb") as stream, np.load(stream) as arrays:
        images = Split(arrays["x"], arrays["y"].astype(np.int64), origin="mnist_10k")
    return _split(
        "mnist_10k",
        images,
        "MNIST (LeCun and Cortes, CC BY-SA 3.0): the first 1,000 training images of each digit, "
        "in the order of tensorflow-datasets, without its last 10,000",
    )


def _split(name: str, images: Split, source: str) -> DataSet:
    train, validation, test, rule = hold_out(images)
    label_names = tuple(str(digit) for digit in range(10))
    return DataSet(name, train, validation, test, label_names, f"{source}; {rule}")


LOADERS: dict[str, Callable[[], DataSet]] = {"digits": _digits, "mnist_10k": _mnist_10k}
