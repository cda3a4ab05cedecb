"""Feature networks by name."""

from __future__ import annotations

import tensorflow as tf

from keras_gan.core.errors import InputError
from keras_gan.evaluation.features import dinov2, efficientnet, inception
from keras_gan.evaluation.features.base import FeatureNetwork

NAMES = "efficientnet_lite0, inception_2015:FILE, inception_2015_clean:FILE or dinov2:PRESET"


def load(name: str, strategy: tf.distribute.Strategy | None = None) -> FeatureNetwork:
    """The feature network of a name.

    Args:
        name: One of

            - `efficientnet_lite0`: part of keras_gan;
            - `inception_2015:FILE`: the network of FID, with the weights of the file
              `pt_inception-2015-12-05-6726825d.pth`;
            - `inception_2015_clean:FILE`: the same, with the resizing of clean-fid;
            - `dinov2:PRESET`: a preset of KerasHub, or the directory of one.

        strategy: Its replicas share the pictures; the current strategy if None.

    Raises:
        InputError: There is no such network, or its weights cannot be read.
    """
    with (strategy or tf.distribute.get_strategy()).scope():
        return _load(name)


def _load(name: str) -> FeatureNetwork:
    if name == "efficientnet_lite0":
        return efficientnet.load()
    kind, _, source = name.partition(":")
    if source and kind == "inception_2015":
        return inception.load(source)
    if source and kind == "inception_2015_clean":
        return inception.load(source, clean=True)
    if source and kind == "dinov2":
        return dinov2.load(source)
    raise InputError(f"there is no feature network {name!r}; choose {NAMES}")
