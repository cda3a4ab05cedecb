"""Pictures that are arrays already, with the options for pictures."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_gan.core.errors import InputError
from keras_gan.data.dataset import SPLITS, DataSet, Split
from keras_gan.data.pictures.duplicates import darkness, look_like_writing
from keras_gan.data.pictures.fitting import Fit
from keras_gan.data.pictures.labeling import ONE_CLASS, without_pictures
from keras_gan.data.pictures.loading import flipping
from keras_gan.data.pictures.options import PictureOptions


def with_options(data_set: DataSet, options: PictureOptions) -> DataSet:
    """The data set at the size that the options name, with a description; points as they are.

    Channels stay: 1 to 8, in any meaning. Labels stay, unless there are to be no classes.

    Raises:
        InputError: Other channels, a color or classes by the names of files were asked for.
    """
    if options.classes not in ("none", "labels", "auto"):
        raise InputError(
            f"--classes must be none, labels or auto for {data_set.name}, which holds arrays, not "
            f"files. Received: {options.classes}"
        )
    if options.classes == "none":
        unlabeled: dict[str, Any] = {name: Split(getattr(data_set, name).x) for name in SPLITS}
        data_set = dataclasses.replace(data_set, **unlabeled, label_names=None)
    if not data_set.is_image:
        return data_set
    height, width, channels = data_set.element_shape
    if options.channels not in (0, channels):
        raise InputError(
            f"--channels changes files of pictures; {data_set.name} holds arrays of {channels} "
            f"channels. Received: {options.channels}"
        )
    if options.alpha != "keep":
        raise InputError(
            f"--alpha changes files of pictures; {data_set.name} holds arrays, padded with 0. "
            f"Received: {options.alpha}"
        )
    lines = [
        f"{data_set.name}: {len(data_set.train):,} pictures of {width}x{height} pixels and "
        f"{channels} channels to train on, {len(data_set.validation):,} for validation, "
        f"{len(data_set.test):,} to test on",
        *darkness(data_set.train.x),
    ]
    flip, mirrored = flipping(options, look_like_writing(data_set.train.x))
    fit = Fit(*(options.pixels or (height, width)), options.crop)
    if (fit.height, fit.width) != (height, width):
        lines.append(f"they become {fit.width}x{fit.height}: {fit.describe()}")
        fitted: dict[str, Any] = {name: _fitted(getattr(data_set, name), fit) for name in SPLITS}
        provenance = f"{data_set.provenance}; {fit.describe()}"
        data_set = dataclasses.replace(data_set, **fitted, provenance=provenance)
    if data_set.label_names is not None:
        count = len(data_set.label_names)
        lines.append(f"{count:,} classes by label" if count > 1 else ONE_CLASS)
        if data_set.train.y is not None:
            names = [f"class {name}" for name in data_set.label_names]  # these may be numbers
            lines += without_pictures(names, data_set.train.y)
    elif data_set.train.y is not None:
        lines.append(
            "labels are not used: classes are numbers from 0 on, fewer than there are pictures, "
            "and known for each picture"
        )
    return dataclasses.replace(data_set, description=(*lines, mirrored), flip=flip)


def _fitted(split: Split, fit: Fit) -> Split:
    """The split with pictures of this size, one channel at a time, padded with zeros."""
    from PIL import Image

    n, _, _, channels = split.x.shape
    x = np.empty((n, fit.height, fit.width, channels), split.x.dtype)
    for i, picture in enumerate(split.x):
        for channel in range(channels):
            plane = Image.fromarray(np.ascontiguousarray(picture[..., channel]))
            x[i, ..., channel] = np.asarray(fit(plane, (0, 0, 0, 255), str(i)))
    if x.dtype != np.uint8:
        x = x.clip(0, 1)  # the filter overshoots at edges; of bytes, Pillow cuts that off
    return Split(x, split.y)
