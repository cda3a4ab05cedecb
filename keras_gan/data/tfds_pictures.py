"""Images of tensorflow-datasets whose sizes may differ, as if they were files of a folder."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keras_gan.data.dataset import DataSet
from keras_gan.data.from_tfds import image_key, label_key, label_names, split_names, undamaged
from keras_gan.data.pictures.loading import load_source
from keras_gan.data.pictures.options import PictureOptions
from keras_gan.data.pictures.sources import Opener, Source

if TYPE_CHECKING:
    import tensorflow_datasets as tfds


def load(
    name: str,
    builder: tfds.core.DatasetBuilder,
    options: PictureOptions,
    cache_dir: str | os.PathLike[str] | None = None,
) -> DataSet:
    """The images of a prepared builder, decoded once, with their labels. See `load_pictures`.

    Args:
        name: Its name.
        builder: The builder.
        options: Size, channels and classes of the pictures.
        cache_dir: Folder of decoded pictures.
    """
    image, label = image_key(builder), label_key(builder)

    def openers() -> Iterator[Opener]:
        return (functools.partial(io.BytesIO, e[image]) for e in _examples(builder, image))

    source = Source(openers)
    for split in split_names(builder):
        info = builder.info.splits[split]
        source.states.append((info.num_examples, info.num_bytes))
        source.names += [f"{split}/{i:08}" for i in range(info.num_examples)]
    if label:
        labels = (int(example[label]) for example in _examples(builder, label))
        source.labels = dict(zip(source.names, labels, strict=True))
        source.label_names = label_names(builder)
    place = f"{name} {builder.version} (tensorflow-datasets)"
    return load_source(source, name, place, options, cache_dir)


def _examples(builder: tfds.core.DatasetBuilder, feature: str) -> Iterator[dict[str, Any]]:
    """One feature of all examples, in the order of the splits; images as they are stored."""
    import tensorflow_datasets as tfds

    skip = {feature: tfds.decode.SkipDecoding()} if feature == image_key(builder) else None
    decoders = tfds.decode.PartialDecoding({feature: True}, skip)
    config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    for split in split_names(builder):
        with undamaged(builder, split):
            examples = builder.as_dataset(split=split, decoders=decoders, read_config=config)
            yield from examples.as_numpy_iterator()
