"""R3GAN's networks: residual, without normalization (Huang et al. 2024, arXiv:2501.05441).

Configuration E of the paper. Both networks have a stage of residual blocks for each resolution. To
its input a block adds three convolutions of it: 1x1 to twice the channels, 3x3 in groups, and 1x1
back, which starts at 0, so that the block starts as the identity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.core import arguments
from keras_gan.core.arguments import whole
from keras_gan.core.errors import InputError
from keras_gan.layers import channels_last
from keras_gan.networks.initialization import LEAKY_RELU_GAIN, LEAKY_SLOPE, normal_initializers
from keras_gan.networks.pyramid import class_embedding, cropped, resolutions

EXPANSION = 2


def r3gan_generator(
    shape: Sequence[int],
    latent_dim: int = 64,
    *,
    widths: int | Sequence[int] = 768,
    blocks: int = 2,
    group_size: int | None = 16,
    classes: int | None = None,
    seed: int = 0,
) -> keras.Model:
    """R3GAN's generator.

    Args:
        shape: Shape of an image, `(h, w, c)`, both sides at least 8.
        latent_dim: Length of `z`.
        widths: Channels of each stage, smallest resolution first, or one number for all. The paper:
            768 for 32x32, (768, 768, 768, 768, 384) for 64x64, 1536 for ImageNet.
        blocks: Residual blocks of a stage.
        group_size: Channels of a group in the convolutions 3x3, a divisor of `2 widths`; 32 for
            ImageNet. None is one group of all, which is much faster on CPUs and has more weights.
        classes: Number of classes of a conditional network. A trained vector of length
            `latent_dim` for each is concatenated with `z`.
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, latent_dim]`, and with classes "condition", int64 `[n]`, to float32
        `[n, *shape]`, linear.
    """
    sizes, widths, group_size = _stages(shape, widths, group_size)
    shape, latent_dim = arguments.shape("shape", shape), whole("latent_dim", latent_dim)
    parts = _Parts(blocks, group_size, len(sizes), normal_initializers(seed))
    x = inputs = keras.Input((latent_dim,), name="latents")
    if classes is not None:
        classes = whole("classes", classes, least=2)
        vectors = parts.initializer(1.0, classes)
        condition, vector = class_embedding(classes, latent_dim, vectors)
        x = kl.Concatenate(name="joined")([x, vector])
        inputs = [inputs, condition]
    x = parts.dense(x, widths[0], "coefficients")
    x = layers.LearnedBasis(*sizes[0], parts.initializer(1.0, 1), name="basis")(x)
    for index, width in enumerate(widths):
        if index > 0:
            x = parts.transition(x, width, f"stage_{index}")
            x = layers.Upsample2x(name=f"stage_{index}_up")(x)
            x = cropped(x, sizes[index], f"stage_{index}_crop")
        x = parts.residual_blocks(x, f"stage_{index}")
    images = parts.convolution(x, shape[2], name="images", use_bias=False, dtype="float32")
    return keras.Model(inputs, images, name="generator")


def r3gan_discriminator(
    shape: Sequence[int],
    *,
    widths: int | Sequence[int] = 768,
    blocks: int = 2,
    group_size: int | None = 16,
    classes: int | None = None,
    seed: int = 0,
) -> keras.Model:
    """R3GAN's discriminator.

    The logit has no bias, which would have no gradient under a relativistic loss.

    Args:
        shape: Shape of an image, `(h, w, c)`, both sides at least 8.
        widths: As for `r3gan_generator`, smallest resolution first.
        blocks: Residual blocks of a stage.
        group_size: As for `r3gan_generator`.
        classes: Number of classes of a conditional network. The logit is then the inner product of
            `widths[0]` features with a trained vector for each class.
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, *shape]`, and with classes "condition", int64 `[n]`, to float32
        logits `[n, 1]`.
    """
    sizes, widths, group_size = _stages(shape, widths, group_size)
    parts = _Parts(blocks, group_size, len(sizes), normal_initializers(seed))
    x = inputs = keras.Input(arguments.shape("shape", shape), name="images")
    x = parts.convolution(x, widths[-1], name="channels", use_bias=False)
    for index in reversed(range(len(widths))):
        x = parts.residual_blocks(x, f"stage_{index}")
        if index > 0:
            x = layers.Downsample2x(name=f"stage_{index}_down")(x)
            x = parts.transition(x, widths[index - 1], f"stage_{index - 1}")
    head = parts.initializer(1.0, math.prod(sizes[0]))
    x = channels_last.DepthwiseConv2D(
        sizes[0], use_bias=False, depthwise_initializer=head, name="head"
    )(x)
    x = channels_last.Flatten(name="flat")(x)
    if classes is None:
        return keras.Model(
            inputs, parts.dense(x, 1, "logit", dtype="float32"), name="discriminator"
        )
    classes = whole("classes", classes, least=2)
    features = parts.dense(x, widths[0], "features", dtype="float32")
    vectors = parts.initializer(1 / math.sqrt(widths[0]), classes)
    condition, vector = class_embedding(classes, widths[0], vectors, dtype="float32")
    logits = kl.Dot(axes=1, dtype="float32", name="logits")([features, vector])
    return keras.Model([inputs, condition], logits, name="discriminator")


def _stages(
    shape: Sequence[int], widths: int | Sequence[int], group_size: int | None
) -> tuple[list[tuple[int, int]], list[int], int | None]:
    """Size and channels of each stage, smallest resolution first; the checked `group_size`."""
    sizes = resolutions(shape)
    given = widths if isinstance(widths, Iterable) else [widths] * len(sizes)
    widths = list(arguments.shape("widths", given))
    if len(widths) != len(sizes):
        raise InputError(
            f"`widths` must be one int, or one for each of the {len(sizes)} resolutions of "
            f"{tuple(shape)}, smallest first. Received: widths={widths}"
        )
    if group_size is not None:
        group_size = whole("group_size", group_size)
    if group_size and any(EXPANSION * width % group_size for width in widths):
        raise InputError(
            f"`group_size` must divide {EXPANSION} times each width. "
            f"Received: group_size={group_size}, widths={widths}"
        )
    return sizes, widths, group_size


@dataclass(frozen=True)
class _Parts:
    """The residual block of both networks. `initializer` is from `normal_initializers`."""

    blocks: int
    group_size: int | None
    stages: int
    initializer: Callable[[float, int], keras.initializers.Initializer]

    def __post_init__(self) -> None:
        whole("blocks", self.blocks)

    def dense(self, x: keras.KerasTensor, units: int, name: str, **kwargs) -> keras.KerasTensor:
        kernels = self.initializer(1.0, x.shape[-1])
        return kl.Dense(units, use_bias=False, kernel_initializer=kernels, name=name, **kwargs)(x)

    def convolution(
        self,
        x: keras.KerasTensor,
        channels: int,
        kernel: int = 1,
        *,
        gain: float = 1.0,
        groups: int = 1,
        **kwargs,
    ) -> keras.KerasTensor:
        fan_in = kernel**2 * x.shape[-1] // groups
        initializer = self.initializer(gain, fan_in) if gain else "zeros"
        return channels_last.Conv2D(
            channels,
            kernel,
            padding="same",
            groups=groups,
            kernel_initializer=initializer,
            **kwargs,
        )(x)

    def transition(self, x: keras.KerasTensor, channels: int, name: str) -> keras.KerasTensor:
        """To the number of channels of a stage, if it differs."""
        if x.shape[-1] == channels:
            return x
        return self.convolution(x, channels, name=f"{name}_channels", use_bias=False)

    def residual_blocks(self, x: keras.KerasTensor, stage: str) -> keras.KerasTensor:
        """The blocks of a stage."""
        # The variance of the gradient stays the same for any number of blocks (Fixup).
        gain = LEAKY_RELU_GAIN * (self.blocks * self.stages) ** -0.25
        channels = x.shape[-1]
        expanded = EXPANSION * channels
        groups = expanded // self.group_size if self.group_size else 1
        for index in range(self.blocks):
            name = f"{stage}_block_{index}"
            h = self.convolution(x, expanded, gain=gain, name=f"{name}_expand")
            h = kl.LeakyReLU(LEAKY_SLOPE, name=f"{name}_relu_0")(h)
            h = self.convolution(h, expanded, 3, gain=gain, groups=groups, name=f"{name}_conv")
            h = kl.LeakyReLU(LEAKY_SLOPE, name=f"{name}_relu_1")(h)
            h = self.convolution(h, channels, gain=0.0, name=f"{name}_project", use_bias=False)
            x = kl.Add(name=f"{name}_sum")([x, h])
        return x
