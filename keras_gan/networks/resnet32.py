"""Shared by SNGAN's and BigGAN's residual networks for 32x32 images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.core import arguments
from keras_gan.core.errors import InputError
from keras_gan.layers import channels_last
from keras_gan.networks.conditional import class_input


def check_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape; images of another size are refused."""
    shape = arguments.shape("shape", shape)
    if len(shape) != 3 or shape[:2] != (32, 32):
        raise InputError(
            "`shape` must be (32, 32, c): three blocks lead from 4x4 to 32x32. "
            f"Received: shape={shape!r}"
        )
    return shape


@dataclass(frozen=True)
class Kernels:
    """How the networks of a family make layers with kernels.

    Attributes:
        initializer: From a gain, sqrt(2) below a ReLU within a block and else 1, to the next
            initializer.
        spectral_norm: Whether kernels are spectrally normalized.
    """

    initializer: Callable[[float], keras.initializers.Initializer]
    spectral_norm: bool

    def dense(self, x: keras.KerasTensor, units: int, name: str, **kwargs) -> keras.KerasTensor:
        """A dense layer of x."""
        layer = kl.Dense(units, kernel_initializer=self.initializer(1.0), name=name, **kwargs)
        return self._normalized(layer)(x)

    def conv(
        self, x: keras.KerasTensor, channels: int, side: int, name: str, gain: float = 1.0, **kwargs
    ) -> keras.KerasTensor:
        """A convolution of x that keeps its size."""
        layer = channels_last.Conv2D(
            channels,
            side,
            padding="same",
            kernel_initializer=self.initializer(gain),
            name=name,
            **kwargs,
        )
        return self._normalized(layer)(x)

    def _normalized(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        return layers.SpectralNorm(layer) if self.spectral_norm else layer

    def up_block(
        self,
        x: keras.KerasTensor,
        channels: int,
        name: str,
        norm: Callable[[keras.KerasTensor, str], keras.KerasTensor],
    ) -> keras.KerasTensor:
        """Normalization, ReLU, doubled size, convolution; the same without doubling; a shortcut.

        `norm(x, name)` normalizes.
        """
        # Doubling repeats pixels, so a 1x1 convolution before it gives what one after it gives.
        shortcut = self.conv(x, channels, 1, f"{name}_shortcut")
        shortcut = channels_last.UpSampling2D(name=f"{name}_shortcut_up")(shortcut)
        x = kl.ReLU(name=f"{name}_relu_0")(norm(x, f"{name}_norm_0"))
        x = channels_last.UpSampling2D(name=f"{name}_up")(x)
        x = self.conv(x, channels, 3, f"{name}_conv_0", gain=2**0.5)
        x = kl.ReLU(name=f"{name}_relu_1")(norm(x, f"{name}_norm_1"))
        x = self.conv(x, channels, 3, f"{name}_conv_1", gain=2**0.5)
        return kl.Add(name=name)([x, shortcut])

    def down_block(
        self, x: keras.KerasTensor, channels: int, name: str, first: bool, down: bool
    ) -> keras.KerasTensor:
        """Twice ReLU and convolution, then half the size if `down`; a shortcut.

        The first block has no ReLU on the image.
        """
        shortcut = x
        if not first:
            x = kl.ReLU(name=f"{name}_relu_0")(x)
        x = self.conv(x, channels, 3, f"{name}_conv_0", gain=2**0.5)
        x = kl.ReLU(name=f"{name}_relu_1")(x)
        x = self.conv(x, channels, 3, f"{name}_conv_1", gain=2**0.5)
        if down:
            x = channels_last.AveragePooling2D(2, name=f"{name}_down")(x)
            shortcut = channels_last.AveragePooling2D(2, name=f"{name}_shortcut_down")(shortcut)
            shortcut = self.conv(shortcut, channels, 1, f"{name}_shortcut")
        return kl.Add(name=name)([x, shortcut])


def batch_norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Batch normalization over all replicas."""
    return kl.BatchNormalization(momentum=0.9, epsilon=1e-4, synchronized=True, name=name)(x)


def model(inputs: list[keras.KerasTensor], outputs: keras.KerasTensor, name: str) -> keras.Model:
    """A model of one tensor, or of several."""
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name=name)


def generator(
    kernels: Kernels, inputs: list[keras.KerasTensor], x: keras.KerasTensor, channels: int
) -> keras.Model:
    """The generator with these last maps: normalization, ReLU, convolution, tanh in float32."""
    x = kl.ReLU(name="relu")(batch_norm(x, "norm"))
    images = kernels.conv(x, channels, 3, "images", activation="tanh", dtype="float32")
    return model(inputs, images, "generator")


def discriminator(
    kernels: Kernels,
    shape: Sequence[int],
    width: int,
    classes: int | None,
    after_first: Callable[[keras.KerasTensor], keras.KerasTensor] = lambda x: x,
) -> keras.Model:
    """Four blocks, of which the first two halve the size, ReLU, sum over positions, linear.

    With classes, `layers.Projection` instead of the linear layer. `after_first` is applied to the
    first block's output.
    """
    shape, width = check_shape(shape), arguments.whole("width", width)
    inputs = [keras.Input(shape, name="images")]
    x = inputs[0]
    for index in range(4):
        x = kernels.down_block(x, width, f"block_{index}", first=index == 0, down=index < 2)
        x = after_first(x) if index == 0 else x
    x = kl.ReLU(name="relu")(x)
    features = channels_last.GlobalAveragePooling2D(dtype="float32", name="mean")(x)
    features = kl.Rescaling(8.0 * 8.0, dtype="float32", name="features")(features)  # the sum
    if classes is None:
        logits = kernels.dense(features, 1, "logit", dtype="float32")
    else:
        condition, vector = class_input(classes)
        inputs.append(condition)
        logits = layers.Projection(
            kernels.spectral_norm, kernels.initializer(1.0), dtype="float32", name="logit"
        )(features, vector)
    return model(inputs, logits, "discriminator")
