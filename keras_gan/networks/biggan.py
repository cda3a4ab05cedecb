"""The residual networks of BigGAN for 32x32 images."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers as kl

from keras_gan import layers
from keras_gan.core import arguments
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import derived_seeds
from keras_gan.networks import resnet32
from keras_gan.networks.conditional import class_input

_CHUNKS = 4  # of z: one for the dense layer and one for each block
_EMBEDDING = 128  # length of a class's vector


def biggan_generator(
    shape: Sequence[int] = (32, 32, 3),
    latent_dim: int = 80,
    *,
    width: int = 96,
    classes: int | None = None,
    seed: int = 0,
) -> keras.Model:
    """SNGAN's blocks with spectral norms, `z` in every block, one class embedding and attention.

    BigGAN (Brock et al. 2019, arXiv:1809.11096) for 32x32 images, in the sizes of StudioGAN. `z` is
    cut into 4 chunks: the first goes through the dense layer; each other one modulates the batch
    normalization of a block, together with a vector of 128 for the class, the same in all blocks.
    Self-attention follows the second block, at 16x16. Weights are orthogonal. With 3 channels and
    10 classes it has 9,416,196 trainable weights.

    Args:
        shape: Shape of an image, `(32, 32, c)`.
        latent_dim: Length of `z`, a multiple of 4.
        width: A quarter of the channels of all maps.
        classes: Number of classes, or None: `z` alone then modulates the blocks.
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, latent_dim]`, and with classes "condition", int64 `[n]`, to float32
        `[n, *shape]` in [-1, 1].

    Raises:
        InputError: Another size, or a `latent_dim` that cannot be cut.
    """
    shape = resnet32.check_shape(shape)
    latent_dim, width = arguments.wholes(latent_dim=latent_dim, width=width)
    if latent_dim % _CHUNKS:
        raise InputError(
            f"`latent_dim` must be a multiple of {_CHUNKS}, for `z` is cut into as many chunks. "
            f"Received: latent_dim={latent_dim}"
        )
    kernels, channels = _kernels(seed), 4 * width
    inputs = [keras.Input((latent_dim,), name="latents")]
    size = latent_dim // _CHUNKS
    first, *vectors = (
        layers.Columns(start, start + size, name=f"latents_{start // size}")(inputs[0])
        for start in range(0, latent_dim, size)
    )
    if classes is not None:
        condition, one_hot = class_input(classes)
        inputs.append(condition)
        embedding = kl.Dense(
            _EMBEDDING,
            use_bias=False,
            kernel_initializer=kernels.initializer(1.0),
            name="embedding",
        )(one_hot)
        vectors = [
            kl.Concatenate(name=f"condition_{index}")([embedding, chunk])
            for index, chunk in enumerate(vectors)
        ]
    x = kernels.dense(first, 4 * 4 * channels, "hidden")
    x = kl.Reshape((4, 4, channels), name="maps")(x)
    for index, vector in enumerate(vectors):

        def norm(x, name, vector=vector):
            return layers.ConditionalBatchNormalization(
                spectral_norm=True, kernel_initializer=kernels.initializer(1.0), name=name
            )(x, vector)

        x = kernels.up_block(x, channels, f"block_{index}", norm)
        x = _attention(kernels, x) if index == 1 else x
    return resnet32.generator(kernels, inputs, x, shape[2])


def biggan_discriminator(
    shape: Sequence[int] = (32, 32, 3),
    *,
    width: int = 96,
    classes: int | None = None,
    seed: int = 0,
) -> keras.Model:
    """SNGAN's discriminator with self-attention after the first block, at 16x16.

    The counterpart of `biggan_generator`, with orthogonal weights. With 3 channels and 10 classes
    it has 2,415,170 trainable weights.

    Args:
        shape: Shape of an image, `(32, 32, c)`.
        width: Half the channels of all maps.
        classes: Number of classes; the logit then has a projection.
        seed: Seed of the initial weights.

    Returns:
        A model from float `[n, *shape]`, and with classes "condition", int64 `[n]`, to float32
        logits `[n, 1]`.

    Raises:
        InputError: Another size.
    """
    kernels = _kernels(seed)
    return resnet32.discriminator(
        kernels, shape, 2 * width, classes, after_first=lambda x: _attention(kernels, x)
    )


def _attention(kernels: resnet32.Kernels, x: keras.KerasTensor) -> keras.KerasTensor:
    initializer = kernels.initializer(1.0)
    return layers.SelfAttention(spectral_norm=True, kernel_initializer=initializer)(x)


def _kernels(seed: int) -> resnet32.Kernels:
    seeds = derived_seeds(seed)
    return resnet32.Kernels(
        lambda gain: keras.initializers.Orthogonal(seed=next(seeds)), spectral_norm=True
    )
