"""`load`: the data set of a name or a path."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from keras_gan.core.errors import InputError
from keras_gan.data import stacked_mnist
from keras_gan.data.dataset import DataSet, Split, hold_out
from keras_gan.data.from_files import load_path
from keras_gan.data.from_tfds import load_tfds


def load(
    source: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
    fold: int | None = None,
) -> DataSet:
    """Load a data set into memory.

    Args:
        source: One of

            - "digits": scikit-learn's handwritten digits, 1,797 images 8x8x1, bundled with it;
            - "mnist", "cifar10" (with the paper's splits) or any other image builder of
              tensorflow-datasets, as "name" or "name/config";
            - "stacked_mnist": three random digits of MNIST on three channels;
            - "tfd": the Toronto Face Database, which its authors give out;
            - a path to a folder of images, a .npy or a .npz file. A string is taken as a path when
              it starts with `.`, `/` or `~`, ends in `.npy` or `.npz`, or holds a `/` and exists.

        data_dir: Directory of tensorflow-datasets. Default: TFDS_DATA_DIR, else
            `~/tensorflow_datasets`.
        download: Whether tensorflow-datasets may download a missing set.
        fold: Fold of TFD to validate and test on, 0..4; 0 by default.

    Returns:
        Images, uint8 0..255 or float32 in [0, 1], or points, float32. Splits that the source lacks
        are held out from `train`, by the rule of `keras_gan.data.dataset.hold_out`.

    Raises:
        InputError: The source is unknown, missing or damaged, or does not hold real-valued
            examples of one shape. The message says how to fix it.
    """
    if fold is not None and source != "tfd":
        raise InputError(
            f"`fold` belongs to data set 'tfd'. Received: fold={fold} for {str(source)!r}"
        )
    if _is_path(source):
        return load_path(Path(os.path.expanduser(source)))
    if source == "digits":
        return _load_digits()
    if source == "tfd":
        from keras_gan.data import tfd

        return tfd.load(fold or 0, data_dir)
    if source == "stacked_mnist":
        return stacked_mnist.load(data_dir, download)
    return load_tfds(str(source), data_dir, download)


def place(source: str) -> str:
    """The source as it can be named from any folder: an absolute path, or the name."""
    return os.path.abspath(os.path.expanduser(source)) if _is_path(source) else source


def _is_path(source: str | os.PathLike[str]) -> bool:
    if not isinstance(source, str):
        return True
    return (
        source.startswith((".", "/", "~"))
        or source.endswith((".npy", ".npz"))
        or ("/" in source and Path(source).exists())
    )


def _load_digits() -> DataSet:
    import sklearn
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (bunch.images / 16).astype(np.float32)  # gray values are 0..16: exact in float32
    train, validation, test, rule = hold_out(Split(images, bunch.target, origin="digits"))
    names = tuple(str(name) for name in bunch.target_names)
    provenance = f"handwritten digits bundled with scikit-learn {sklearn.__version__}; {rule}"
    return DataSet("digits", train, validation, test, names, provenance)
