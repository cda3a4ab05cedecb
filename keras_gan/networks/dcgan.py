"""Convolutional networks of any size, in the manner of DCGAN, with residual blocks if asked for.

Layers are numbered from the smallest maps on, in both networks, so that those of networks for
smaller and for larger images have the same names where maps are of one size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.core import arguments
from keras_gan.core.errors import InputError
from keras_gan.layers import channels_last
from keras_gan.networks.conditional import class_input
from keras_gan.networks.initialization import LEAKY_RELU_GAIN, LEAKY_SLOPE, normal_initializers
from keras_gan.networks.pyramid import class_embedding, cropped, resolutions

Normalize = Callable[[keras.KerasTensor, str], keras.KerasTensor]  # a layer, named

MOST_CHANNELS = 16  # times the width: 1024 with 64, as in the paper


def dcgan_generator(
    shape: Sequence[int],
    latent_dim: int = 100,
    *,
    width: int = 64,
    kernel: int = 4,
    blocks: int = 0,
    full_size: bool = False,
    batch_norm: bool = False,
    self_modulation: bool = False,
    activation: str = "linear",
    classes: int | None = None,
    seed: int = 0,
) -> keras.Model:
    """A dense layer, then transposed convolutions of stride 2 up to the size of the image.

    After Radford et al. 2016 (arXiv:1511.06434), with leaky ReLUs and normal weights of He's
    variance. The last hidden layer has `2 width` channels and each layer below it twice those of
    the next, at most `16 width`. For (28, 28, c) that is 7x7x`4 width`, 14x14x`2 width`, 28x28xc.

    Args:
        shape: Shape of an image, `(h, w, c)`, both sides at least 8.
        latent_dim: Length of `z`.
        width: Half the channels of the last hidden layer below the full size.
        kernel: Side of the kernels of stride 2; 5 in the paper.
        blocks: Residual blocks at each resolution below the last, before the leaky ReLU. A block
            adds two convolutions 3x3 of its input, each after a leaky ReLU, to it (He et al. 2016,
            arXiv:1603.05027). The second starts at 0, so that the block starts as the identity.
        full_size: Whether there is one more hidden layer, of `width` channels at the size of the
            image, and then a convolution 3x3: details are finer. Maps are then enlarged with a
            low-pass filter (`layers.Upsample2x`) after convolutions 3x3, instead of by transposed
            ones, which leave a checkerboard in flat parts of images.
        batch_norm: Whether hidden layers are normalized, over all replicas.
        self_modulation: Whether the scale and offset of every normalization depend on z too, by
            a hidden layer of `latent_dim` units (Chen et al. 2019, arXiv:1810.01365). It needs
            `batch_norm`.
        activation: Activation of the output.
        classes: Number of classes of a conditional network. With `batch_norm` the scale and offset
            of every normalization depend on the class (`layers.ConditionalBatchNormalization`);
            without, a trained vector of length `latent_dim` for each is concatenated with `z`.
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, latent_dim]`, and with classes "condition", int64 `[n]`, to float32
        `[n, *shape]`.
    """
    sizes, shape = resolutions(shape), arguments.shape("shape", shape)
    latent_dim, width, kernel = arguments.wholes(latent_dim=latent_dim, width=width, kernel=kernel)
    blocks = arguments.whole("blocks", blocks, least=0)
    if self_modulation and not batch_norm:
        raise InputError("`self_modulation` needs batch_norm=True. Received: batch_norm=False")
    channels = _channels(width, len(sizes) - 1)[::-1]
    initializer = normal_initializers(seed)
    x = inputs = keras.Input((latent_dim,), name="latents")
    normalize: Normalize | None = _batch_norm if batch_norm else None
    vector = None  # that normalization depends on
    if classes is not None and batch_norm:
        condition, vector = class_input(classes)
        inputs = [inputs, condition]
    if self_modulation:
        vector = _modulation(x, vector, initializer)
    if vector is not None:
        normalize = _conditional_batch_norm(vector)
    elif classes is not None:
        condition, vector = class_embedding(classes, latent_dim, initializer(1.0, 1))
        x = kl.Concatenate(name="joined")([x, vector])
        inputs = [inputs, condition]
    start = (*sizes[0], channels[0])
    kernels = initializer(LEAKY_RELU_GAIN, x.shape[-1])
    x = kl.Dense(
        math.prod(start), use_bias=not batch_norm, kernel_initializer=kernels, name="hidden"
    )(x)
    x = kl.Reshape(start, name="maps")(x)
    x = _hidden(x, "hidden", normalize, blocks, initializer)

    def upsampled(x, channels, gain, name, **kwargs):
        if full_size:
            kernels = initializer(gain, 9 * x.shape[-1])
            x = channels_last.Conv2D(
                channels, 3, padding="same", kernel_initializer=kernels, name=name, **kwargs
            )(x)
            return layers.Upsample2x(name=f"{name}_up")(x)
        # A stride of 2 leaves a quarter of the kernel's places for each pixel.
        kernels = initializer(gain, max(1, kernel**2 * x.shape[-1] // 4))
        return channels_last.Conv2DTranspose(
            channels,
            kernel,
            strides=2,
            padding="same",
            kernel_initializer=kernels,
            name=name,
            **kwargs,
        )(x)

    hidden = channels[1:] + full_size * [width]
    for index, count in enumerate(hidden):
        name = f"conv_{index}"
        x = upsampled(x, count, LEAKY_RELU_GAIN, name, use_bias=not batch_norm)
        x = cropped(x, sizes[index + 1], f"crop_{index}")
        below = index + 1 < len(channels)
        x = _hidden(x, name, normalize, blocks if below else 0, initializer)
    output = {"name": "images", "activation": activation, "dtype": "float32"}
    if full_size:
        kernels = initializer(1.0, 9 * width)
        x = channels_last.Conv2D(shape[2], 3, padding="same", kernel_initializer=kernels, **output)(
            x
        )
    else:
        x = cropped(upsampled(x, shape[2], 1.0, **output), sizes[-1], "cropped_images")
    return keras.Model(inputs, x, name="generator")


def dcgan_discriminator(
    shape: Sequence[int],
    *,
    width: int = 64,
    kernel: int = 4,
    blocks: int = 0,
    full_size: bool = False,
    batch_norm: bool = False,
    minibatch_std: int | None = None,
    classes: int | None = None,
    seed: int = 0,
) -> keras.Model:
    """Convolutions of stride 2 down to the smallest size, then a dense layer.

    The counterpart of `dcgan_generator`: the first layer has `2 width` channels and each layer
    above it twice those of the one before, at most `16 width`; the dense layer has the next number.
    For (28, 28, c): 14x14x`2 width`, 7x7x`4 width`, `8 width`.

    Args:
        shape: Shape of an image, `(h, w, c)`, both sides at least 8.
        width: Half the channels of the first layer below the full size.
        kernel: Side of the kernels of stride 2; 5 in the paper.
        blocks: Residual blocks at each resolution below the full one, as in `dcgan_generator`.
        full_size: Whether there is a convolution 3x3 to `width` channels before the others. Maps
            are then halved with a low-pass filter (`layers.Downsample2x`) before convolutions 3x3,
            instead of by strides.
        batch_norm: Whether convolutions but the first are normalized, over all replicas. Rows then
            depend on each other, which gradient penalties do not allow.
        minibatch_std: Rows of a group whose standard deviation the dense layer sees
            (`layers.MinibatchStd`), so that D tells samples that are too much alike. `R1` and `R2`
            then take a group as one example, other gradient penalties are refused. None: D judges
            each example alone.
        classes: Number of classes of a conditional network. The inner product of the features
            with a trained vector for each class, at first 0, is added to the logit: the projection
            of Miyato and Koyama 2018.
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, *shape]`, and with classes "condition", int64 `[n]`, to float32
        logits `[n, 1]`.
    """
    depth, shape = len(resolutions(shape)) - 1, arguments.shape("shape", shape)
    width, kernel = arguments.wholes(width=width, kernel=kernel)
    blocks = arguments.whole("blocks", blocks, least=0)
    *channels, units = _channels(width, depth + 1)
    initializer = normal_initializers(seed)
    x = inputs = keras.Input(tuple(shape), name="images")
    if full_size:
        name = f"conv_{depth}"
        kernels = initializer(LEAKY_RELU_GAIN, 9 * shape[2])
        x = channels_last.Conv2D(width, 3, padding="same", kernel_initializer=kernels, name=name)(x)
        x = _activated(x, name)
    for index, count in enumerate(channels):
        name = f"conv_{depth - 1 - index}"
        normalize = _batch_norm if batch_norm and index > 0 else None
        side, strides = (3, 1) if full_size else (kernel, 2)
        if full_size:
            x = layers.Downsample2x(name=f"{name}_down")(x)
        x = channels_last.Conv2D(
            count,
            side,
            strides=strides,
            padding="same",
            use_bias=not normalize,
            kernel_initializer=initializer(LEAKY_RELU_GAIN, side**2 * x.shape[-1]),
            name=name,
        )(x)
        x = _hidden(x, name, normalize, blocks, initializer)
    if minibatch_std is not None:
        x = layers.MinibatchStd(minibatch_std, group_gradients=True, name="minibatch_std")(x)
    x = channels_last.Flatten(name="flat")(x)
    kernels = initializer(LEAKY_RELU_GAIN, x.shape[-1])
    x = kl.Dense(units, kernel_initializer=kernels, name="hidden")(x)
    # Not normalized: data and samples pass apart, and their features would have one mean.
    x = _activated(x, "hidden")
    last = initializer(1.0, units)
    logits = kl.Dense(1, kernel_initializer=last, dtype="float32", name="logit")(x)
    if classes is not None:
        condition, vector = class_embedding(classes, units, "zeros", dtype="float32")
        inputs = [inputs, condition]
        product = kl.Dot(axes=1, dtype="float32", name="projection")([x, vector])
        logits = kl.Add(dtype="float32", name="logits")([logits, product])
    return keras.Model(inputs, logits, name="discriminator")


def _channels(width: int, count: int) -> list[int]:
    """2, 4, 8, 16, 16, ... times the width."""
    return [min(2**index, MOST_CHANNELS) * width for index in range(1, count + 1)]


def _hidden(
    x: keras.KerasTensor,
    name: str,
    normalize: Normalize | None,
    blocks: int,
    initializer: Callable[[float, int], keras.initializers.Initializer],
) -> keras.KerasTensor:
    """The output of a layer after its residual blocks and the leaky ReLU."""
    for block in range(blocks):
        h = x
        for index, gain in enumerate((LEAKY_RELU_GAIN, 0.0)):
            part = f"{name}_block_{block}_{index}"
            h = channels_last.Conv2D(
                x.shape[-1],
                3,
                padding="same",
                use_bias=not normalize,
                kernel_initializer=initializer(gain, 9 * x.shape[-1]) if gain else "zeros",
                name=part,
            )(_activated(h, part, normalize))
        x = kl.Add(name=f"{name}_block_{block}_sum")([x, h])
    return _activated(x, name, normalize)


def _activated(
    x: keras.KerasTensor, name: str, normalize: Normalize | None = None
) -> keras.KerasTensor:
    """The leaky ReLU of a layer's output, normalized or not."""
    if normalize:
        x = normalize(x, f"norm_{name}")
    return kl.LeakyReLU(LEAKY_SLOPE, name=f"relu_{name}")(x)


def _modulation(
    z: keras.KerasTensor,
    one_hot: keras.KerasTensor | None,
    initializer: Callable[[float, int], keras.initializers.Initializer],
) -> keras.KerasTensor:
    """A hidden layer of z and the class, with the class next to it."""
    units, joined = z.shape[-1], z
    if one_hot is not None:
        joined = kl.Concatenate(name="joined")([z, one_hot])
    kernels = initializer(LEAKY_RELU_GAIN, joined.shape[-1])
    h = kl.Dense(units, kernel_initializer=kernels, name="modulation")(joined)
    h = _activated(h, "modulation")
    return h if one_hot is None else kl.Concatenate(name="modulation_and_class")([h, one_hot])


def _batch_norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return kl.BatchNormalization(momentum=0.9, synchronized=True, name=name)(x)


def _conditional_batch_norm(vector: keras.KerasTensor) -> Normalize:
    return lambda x, name: layers.ConditionalBatchNormalization(name=name)(x, vector)
