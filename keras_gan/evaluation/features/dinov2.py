"""DINOv2, a vision transformer trained without labels (Oquab et al. 2023), by KerasHub."""

from __future__ import annotations

import tensorflow as tf

from keras_gan.core.errors import InputError, first_line
from keras_gan.evaluation.features import resizing
from keras_gan.evaluation.features.base import PretrainedNetwork, digest

SIZE = 224
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels, red first


def load(preset: str) -> PretrainedNetwork:
    """The network of a preset; its features are the class token of the last layer.

    Stein et al. 2023, "Exposing flaws of generative model evaluation metrics" (arXiv:2306.04675),
    take the large one.

    Args:
        preset: A preset of KerasHub, for example `dinov2_large`, or the directory of one.

    Raises:
        InputError: KerasHub is not installed, or cannot load the preset.
    """
    try:
        import keras_hub
    except ImportError as error:
        raise InputError("DINOv2 needs KerasHub: pip install keras-hub") from error
    try:
        backbone = keras_hub.models.DINOV2Backbone.from_preset(
            preset, image_shape=(SIZE, SIZE, 3), dtype="float32"
        )
    except Exception as error:  # of any of the libraries that find presets
        raise InputError(
            f"KerasHub cannot load {preset!r} as DINOv2; name a preset such as dinov2_large, or "
            f"the directory of one: {first_line(error)}"
        ) from error
    return PretrainedNetwork(
        "dinov2",
        digest(backbone.get_weights()),
        resizing.CLEAN.format(SIZE),
        lambda images: (resizing.clean(images, SIZE) / 255 - tf.constant(MEAN)) / DEVIATION,
        lambda images: backbone({"images": images}, training=False)[:, 0],
    )
