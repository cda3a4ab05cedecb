"""`load`: the data set of a name or a path."""

from __future__ import annotations

import os
from pathlib import Path

from keras_gan.core.errors import InputError, question
from keras_gan.core.paths import similar
from keras_gan.data import bundled, from_files, from_tfds, stacked_mnist, tfds_pictures
from keras_gan.data.dataset import DataSet
from keras_gan.data.from_tfds import OWN_NAMES
from keras_gan.data.pictures import arrays, sources
from keras_gan.data.pictures.loading import load_pictures
from keras_gan.data.pictures.options import PictureOptions

_ARRAYS = (".npy", ".npz")


def load(
    source: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
    fold: int | None = None,
    pictures: PictureOptions | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> DataSet:
    """Load a data set into memory; pictures that may differ in size, into a mapped file.

    Args:
        source: One of

            - "digits": scikit-learn's handwritten digits, 1,797 images 8x8x1, bundled with it;
            - "mnist_10k": 10,000 images of MNIST, bundled with this package;
            - "mnist", "cifar10" (with the paper's splits) or any other image builder of
              tensorflow-datasets, as "name" or "name/config"; images of no fixed size are
              treated like those of a folder;
            - "stacked_mnist": three random digits of MNIST on three channels;
            - "tfd": the Toronto Face Database, which its authors give out;
            - a path to a folder of pictures, a .zip or .tar file of one, a .npy or a .npz file. A
              string is taken as a path when it starts with `.`, `/` or `~`, ends with `/` or as
              such a file does, or exists and holds a `/` or is no data set's name.

        data_dir: Directory of tensorflow-datasets. Default: TFDS_DATA_DIR, else
            `~/tensorflow_datasets`.
        download: Whether tensorflow-datasets may download a missing set.
        fold: Fold of TFD to validate and test on, 0..4; 0 by default.
        pictures: Options for pictures: their size, channels and classes. Default: those of
            `PictureOptions`, without mirror images; arrays stay as they are.
        cache_dir: Folder of decoded pictures. Default: KERAS_GAN_CACHE, else `~/.cache/keras_gan`.

    Returns:
        Images, uint8 0..255 or float32 in [0, 1], or points, float32. Splits that the source lacks
        are held out from `train`, by the rule of `keras_gan.data.dataset.hold_out`.

    Raises:
        InputError: The source is unknown, missing or damaged, or does not hold real-valued
            examples of one shape. The message says how to fix it.
    """
    name = str(source)
    if fold is not None and source != "tfd":
        raise InputError(f"`fold` belongs to data set 'tfd'. Received: fold={fold} for {name!r}")
    if "://" in name:
        raise InputError(
            f"data are read from this machine's disks: download {source} and give the path"
        )
    options = pictures or PictureOptions(flip="off")
    if is_path(source):
        path = Path(os.path.expanduser(source))
        if path.is_dir() or (path.is_file() and sources.is_archive(path)):
            return load_pictures(path, options, cache_dir)
        data_set = _load_file(path)
    elif name in OWN_NAMES:
        data_set = _load_own(name, data_dir, download, fold)
    else:
        builder = from_tfds.prepared(name, data_dir, download)
        if not from_tfds.has_one_size(builder):
            return tfds_pictures.load(name, builder, options, cache_dir)
        data_set = from_tfds.load_tfds(name, data_dir, download)
    return data_set if pictures is None else arrays.with_options(data_set, pictures)


def _load_file(path: Path) -> DataSet:
    if path.is_file() and path.suffix.lower() in _ARRAYS:
        return from_files.load_arrays(path)
    if path.exists():
        raise InputError(
            "data must be a folder of images, an archive of one "
            f"({', '.join(sources.ARCHIVES)}), a .npy or a .npz file. Received: {path}"
        )
    raise InputError(f"there is no file or folder {path}{question(similar(path))}")


def _load_own(
    source: str, data_dir: str | os.PathLike[str] | None, download: bool, fold: int | None
) -> DataSet:
    if source in bundled.LOADERS:
        return bundled.LOADERS[source]()
    if source == "tfd":
        from keras_gan.data import tfd

        return tfd.load(fold or 0, data_dir)
    return stacked_mnist.load(data_dir, download)


def place(source: str) -> str:
    """The source as it can be named from any folder: an absolute path, or the name."""
    return os.path.abspath(os.path.expanduser(source)) if is_path(source) else source


def holds_points(source: str) -> bool:
    """Whether the source is a .npy or .npz file of points, not of images."""
    return source.lower().endswith(_ARRAYS) and from_files.holds_points(Path(place(source)))


def is_path(source: str | os.PathLike[str]) -> bool:
    """Whether the source is a file or folder, not a name."""
    if not isinstance(source, str):
        return True
    return (
        source.startswith((".", "/", "~"))
        or source.lower().endswith(("/", *_ARRAYS, *sources.ARCHIVES))
        or (source != "" and Path(source).exists() and ("/" in source or not _is_name(source)))
    )


def _is_name(source: str) -> bool:
    return source in OWN_NAMES or source in from_tfds.names()
