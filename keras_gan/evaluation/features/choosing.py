"""Which feature network suits a data set."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from keras_gan.evaluation.features.base import FeatureNetwork
from keras_gan.evaluation.features.loading import load


def choose(
    shape: tuple[int, ...],
    make_classifier: Callable[[], FeatureNetwork | None],
    strategy: tf.distribute.Strategy | None = None,
) -> FeatureNetwork | None:
    """The network that tells most about such data.

    For pictures in color it is EfficientNet-Lite0, which was trained on photographs; for gray
    pictures, points, and pictures with more than 4 channels, the classifier of the data's own
    classes, which tells more about digits. Gray pictures without classes get EfficientNet-Lite0
    as well.

    Args:
        shape: Of an example.
        make_classifier: Makes the classifier, or None where the data have no classes.
        strategy: As for `load`; the classifier runs on one device.

    Returns:
        None where neither can be used: points without classes, for instance.
    """
    is_picture = len(shape) == 3 and shape[-1] <= 4
    if is_picture and shape[-1] > 2:
        return load("efficientnet_lite0", strategy)
    classifier = make_classifier()
    if classifier is None and is_picture:
        return load("efficientnet_lite0", strategy)
    return classifier
