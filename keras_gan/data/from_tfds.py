"""Images of tensorflow-datasets (TFDS), in memory.

TFDS keeps prepared data sets in one directory: `data_dir`, else the environment variable
TFDS_DATA_DIR, else `~/tensorflow_datasets`. Nothing here uses the network unless `download=True`.
"""

from __future__ import annotations

import contextlib
import difflib
import itertools
import math
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from keras_gan.core.errors import InputError, first_line, question
from keras_gan.core.paths import similar
from keras_gan.data import bundled
from keras_gan.data.dataset import SPLITS, DataSet, Split, hold_out

if TYPE_CHECKING:
    import tensorflow as tf
    import tensorflow_datasets as tfds

# Names that `load` takes and that are no builders of TFDS.
OWN_NAMES = (*bundled.LOADERS, "stacked_mnist", "tfd")
# Training examples in the paper's index splits; the rest of TFDS's `train` is for validation.
_PAPER_TRAIN = {"mnist": 50_000, "cifar10": 40_000}
_BATCH = 1024  # examples copied at once
_DECODERS = 16  # parallel calls; with TFDS's own choice MNIST takes twice as long


def load_tfds(name: str, data_dir: str | os.PathLike[str] | None, download: bool) -> DataSet:
    """Loads a builder's images, uint8 `[n, h, w, c]`, and labels, in the order of its records.

    MNIST and CIFAR-10 have the paper's splits; missing splits of other sets are held out from
    `train` by `hold_out`. See `keras_gan.data.load`.
    """
    builder = prepared(name, data_dir, download)
    version = f"{name} {builder.version} (tensorflow-datasets)"
    if name in _PAPER_TRAIN:
        n = _PAPER_TRAIN[name]
        whole, test = read(builder, "train"), read(builder, "test")
        train, validation = whole[:n], whole[n:]
        rule = (
            f"train[:{n}], train[{n}:] for validation, test. The records of TFDS are not in the "
            "original order, so these index splits hold other images than the paper's"
        )
    else:
        own = {split: read(builder, split) for split in split_names(builder)}
        train, validation, test, rule = hold_out(**own)
    return DataSet(name, train, validation, test, label_names(builder), f"{version}; {rule}")


def prepared(
    name: str, data_dir: str | os.PathLike[str] | None, download: bool
) -> tfds.core.DatasetBuilder:
    """The builder of this name, with its data on disk."""
    builder = open_builder(name, data_dir)
    if is_prepared(builder):
        return builder
    if not download:
        raise InputError(
            f"{name} is not prepared in {builder.data_dir_root}: allow its download "
            "(--download, or download=True), or point TFDS_DATA_DIR or data_dir to a TFDS "
            "directory that holds it"
        )
    try:
        builder.download_and_prepare()
    except InputError:
        raise
    except Exception as error:  # the network, the disk or the builder's code: any exception
        raise InputError(f"{name} cannot be prepared: {first_line(error)}") from error
    return builder


def is_prepared(builder: tfds.core.DatasetBuilder) -> bool:
    """Whether the builder's data are on disk."""
    return (builder.data_path / "dataset_info.json").exists()


def open_builder(name: str, data_dir: str | os.PathLike[str] | None) -> tfds.core.DatasetBuilder:
    """The builder of this name, from its files where there are any, else from its code."""
    import tensorflow_datasets as tfds

    # TFDS would look up names of any other form in catalogs on the network.
    if not re.fullmatch(r"[A-Za-z]\w*(/[\w.\-]+)?", name):
        raise _unknown(name)
    # TFDS reads the variable only when imported; a later change must count too.
    data_dir = os.path.expanduser(
        data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    )
    try:
        # For any version, TFDS takes the newest on disk.
        return tfds.builder(name, data_dir=data_dir, version="*.*.*")
    except tfds.core.DatasetNotFoundError as error:
        raise _unknown(name) from error
    except Exception as error:  # a builder's code and files may raise any exception
        raise InputError(f"{name} in {data_dir} cannot be opened: {first_line(error)}") from error


def names() -> list[str]:
    """The data sets that tensorflow-datasets knows."""
    import tensorflow_datasets as tfds

    return tfds.list_builders(with_community_datasets=False)


def _unknown(name: str) -> InputError:
    close = difflib.get_close_matches(name.partition("/")[0], [*OWN_NAMES, *names()])
    return InputError(
        f"there is no data set {name!r}, and no file or folder of that name: Data sets are "
        f"{', '.join(OWN_NAMES)} and the image builders of tensorflow-datasets"
        + question([*similar(name), *close])
    )


def split_names(builder: tfds.core.DatasetBuilder) -> list[str]:
    """The existing ones of `train`, `validation` and `test`; `train` must exist."""
    names = [name for name in SPLITS if name in builder.info.splits]
    if "train" not in names:
        raise InputError(
            f"{builder.name} has no split `train`. It has: {sorted(builder.info.splits)}"
        )
    return names


def image_key(builder: tfds.core.DatasetBuilder) -> str:
    """Name of the feature to generate: `image`, else the only image feature."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    images = _keys(builder, tfds.features.Image)
    images = [key for key in images if features[key].np_dtype == np.uint8]
    if "image" in images:
        return "image"
    if len(images) != 1:
        raise InputError(
            f"{builder.name} must hold an image of bytes in every example, called `image` where "
            f"there are several. It holds: {', '.join(sorted(features))}"
        )
    return images[0]


def label_key(builder: tfds.core.DatasetBuilder) -> str | None:
    """Name of the class feature: the builder's supervised key, else the only class feature."""
    import tensorflow_datasets as tfds

    classes = _keys(builder, tfds.features.ClassLabel)
    supervised = builder.info.supervised_keys
    if supervised and supervised[1] in classes:
        return supervised[1]
    return classes[0] if len(classes) == 1 else None


def _keys(builder: tfds.core.DatasetBuilder, kind: type) -> list[str]:
    return [key for key, value in dict(builder.info.features).items() if isinstance(value, kind)]


def label_names(builder: tfds.core.DatasetBuilder) -> tuple[str, ...] | None:
    """Names of the labels 0, 1, ..., or None where the builder has none."""
    key = label_key(builder)
    feature = builder.info.features[key] if key else None
    return tuple(feature.names) if feature is not None and feature.num_classes else None


def read(builder: tfds.core.DatasetBuilder, split: str) -> Split:
    """A split in memory, in the order of its records and so of TFDS's slices."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    n = builder.info.splits[split].num_examples
    image, label = image_key(builder), label_key(builder)
    config = tfds.ReadConfig(
        interleave_cycle_length=1, try_autocache=False, num_parallel_calls_for_decode=_DECODERS
    )

    def pick(example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The image, its label or -1, and its size."""
        pixels, size = example[image], tf.shape(example[image])
        if not pixels.shape.is_fully_defined():
            # An image of another size cannot be batched; zeros replace it until it is refused.
            fits = tf.reduce_all(size == shape)
            zeros = tf.zeros(shape, pixels.dtype)
            pixels = tf.ensure_shape(tf.cond(fits, lambda: pixels, lambda: zeros), shape)
        return pixels, example[label] if label else tf.constant(-1, tf.int64), size

    with undamaged(builder, split):
        examples = builder.as_dataset(split=split, read_config=config)
        shape = examples.element_spec[image].shape
        if not shape.is_fully_defined():
            shape = next(iter(examples))[image].shape
        shape = tuple(shape)
        needed = n * math.prod(shape)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if needed > memory:
            raise InputError(
                f"split `{split}` of {builder.name} takes {needed / 2**30:,.0f} GiB, and this "
                f"machine has {memory / 2**30:,.0f} GiB of memory: read it during training "
                "(--stream), or choose a smaller data set or config"
            )
        x, y = np.empty((n, *shape), np.uint8), np.empty(n, np.int64)
        batches = examples.map(pick, _DECODERS).batch(_BATCH).prefetch(1).as_numpy_iterator()
        for first, (images, labels, sizes) in zip(itertools.count(0, _BATCH), batches):
            if other := np.flatnonzero((sizes != shape).any(axis=1)).tolist():
                raise InputError(
                    f"all images must have one size, but in split `{split}` of {builder.name} "
                    f"example 0 is {list(shape)} and example {first + other[0]} is "
                    f"{sizes[other[0]].tolist()}"
                )
            rows = slice(first, first + len(images))
            x[rows], y[rows] = images, labels
    return Split(x, y, origin=f"{builder.name}: {split}")


@contextlib.contextmanager
def undamaged(builder: tfds.core.DatasetBuilder, split: str) -> Iterator[None]:
    """Within it, data that cannot be read raise `InputError`."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        raise InputError(
            f"split `{split}` of {builder.name} cannot be read, so {builder.data_dir} is damaged: "
            f"delete it and prepare it again ({first_line(error)})"
        ) from error


def has_one_size(builder: tfds.core.DatasetBuilder) -> bool:
    """Whether the builder says that all images have one size."""
    return None not in builder.info.features[image_key(builder)].shape
