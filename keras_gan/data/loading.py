"""`load`: from what a user names to a `DataSet`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from keras_gan.core.errors import InputError
from keras_gan.data.dataset import DataSet, Split, hold_out
from keras_gan.data.from_files import load_path
from keras_gan.data.from_tfds import load_tfd, load_tfds


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

            - "digits": scikit-learn's handwritten digits, 1,797 images 8x8x1, bundled, so always at
              hand;
            - "mnist", "cifar10" (with the paper's splits) or any other image builder of
              tensorflow-datasets, as "name" or "name/config";
            - "tfd": the Toronto Face Database, which users get from its authors;
            - a path to a folder of images, a .npy or a .npz file. A string is taken as a path when
              it starts with `.`, `/` or `~`, ends in `.npy` or `.npz`, or holds a `/` and exists.

        data_dir: Directory of tensorflow-datasets. Default: TFDS_DATA_DIR, else
            `~/tensorflow_datasets`.
        download: Whether tensorflow-datasets may download what is not there yet.
        fold: Fold of TFD to validate and test on, 0..4; 0 by default.

    Returns:
        Images, uint8 0..255 or float32 in [0, 1], or points, float32. Splits that the source lacks
        are held out from `train`, by the rule of `keras_gan.data.dataset.hold_out`.

    Raises:
        InputError: The source is unknown, not there, damaged, or does not hold real-valued
            examples of one shape. The message says how to mend it.
    """
    if fold is not None and source != "tfd":
        raise InputError(
            f"`fold` belongs to data set 'tfd'. Received: fold={fold} for {str(source)!r}"
        )
    if _is_path(source):
        return load_path(Path(os.path.expanduser(source)))
    name = str(source)
    if name == "digits":
        return _load_digits()
    if name == "tfd":
        return load_tfd(fold or 0, data_dir)
    return load_tfds(name, data_dir, download)


def place(source: str) -> str:
    """What finds the same source from any folder: a path made absolute, or the name."""
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
    images = (bunch.images / 16).astype(np.float32)  # grey values are 0..16: exact in float32
    train, validation, test, rule = hold_out(Split(images, bunch.target, origin="digits"))
    return DataSet(
        "digits",
        train,
        validation,
        test,
        tuple(str(name) for name in bunch.target_names),
        f"handwritten digits bundled with scikit-learn {sklearn.__version__}; {rule}",
    )
