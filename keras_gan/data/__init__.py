"""Data: sources of examples, and their preprocessing.

    loading          `load`: a name or a path in, a `DataSet` out
    bundled          data sets installed with the package
    from_tfds        image builders of tensorflow-datasets
    tfds_pictures    those of them whose images differ in size
    stacked_mnist    three digits of MNIST on three channels
    tfd              the Toronto Face Database, a builder of tensorflow-datasets
    from_files       .npy and .npz files
    pictures/        folders and archives of pictures of any kind
    dataset          `DataSet` and `Split`, checked when constructed; the rule for missing splits
    preprocessing    maps to the networks' scale and back to [0, 1]
    labels           `keep_labels`: few labels, for semi-supervised learning
    shards           `open_shards`: data that stay on disk during training

The packages that read data (tensorflow-datasets, scikit-learn, SciPy, Pillow) are imported on
first use.
"""

from __future__ import annotations

from keras_gan.data.dataset import DataSet, Split
from keras_gan.data.from_tfds import OWN_NAMES
from keras_gan.data.labels import draw_labeled, keep_labels
from keras_gan.data.loading import holds_points, is_path, load, place
from keras_gan.data.pictures.batches import Pictures
from keras_gan.data.pictures.labeling import classes_file
from keras_gan.data.pictures.options import PictureOptions
from keras_gan.data.preprocessing import (
    GlobalContrastNormalization,
    Identity,
    Preprocessing,
    SymmetricRange,
    UnitRange,
)
from keras_gan.data.shards import Shards, open_shards

__all__ = [
    "load",
    "place",
    "is_path",
    "holds_points",
    "classes_file",
    "draw_labeled",
    "keep_labels",
    "open_shards",
    "OWN_NAMES",
    "Shards",
    "Pictures",
    "PictureOptions",
    "DataSet",
    "Split",
    "Preprocessing",
    "UnitRange",
    "SymmetricRange",
    "GlobalContrastNormalization",
    "Identity",
]
