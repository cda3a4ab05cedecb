"""Networks: the paper's, DCGAN, SNGAN, BigGAN, R3GAN, and a rule for data without a recipe.

Each function returns built networks. Unless stated, weights start uniform in `[-irange, irange]`
and biases at 0. The same seed gives the same weights in every process.
"""

from keras_gan.networks.biggan import biggan_discriminator, biggan_generator
from keras_gan.networks.by_shape import for_shape
from keras_gan.networks.cifar10_conv import cifar10_conv_discriminator, cifar10_conv_generator
from keras_gan.networks.classifying import noisy_discriminator
from keras_gan.networks.conditional import conv_reader, with_classes, with_known_pixels
from keras_gan.networks.dcgan import dcgan_discriminator, dcgan_generator
from keras_gan.networks.initialization import normalize_on, set_marginal_bias, set_sparse_kernel
from keras_gan.networks.maxout import maxout_discriminator
from keras_gan.networks.mlp import MAX_NORM, leaky_mlp, mlp_encoder, mlp_generator, stack_generators
from keras_gan.networks.pyramid import resolutions
from keras_gan.networks.r3gan import r3gan_discriminator, r3gan_generator
from keras_gan.networks.sngan import sngan_discriminator, sngan_generator

__all__ = [
    "MAX_NORM",
    "biggan_discriminator",
    "biggan_generator",
    "cifar10_conv_discriminator",
    "cifar10_conv_generator",
    "conv_reader",
    "dcgan_discriminator",
    "dcgan_generator",
    "for_shape",
    "leaky_mlp",
    "maxout_discriminator",
    "mlp_encoder",
    "mlp_generator",
    "noisy_discriminator",
    "normalize_on",
    "r3gan_discriminator",
    "r3gan_generator",
    "resolutions",
    "set_marginal_bias",
    "set_sparse_kernel",
    "sngan_discriminator",
    "sngan_generator",
    "stack_generators",
    "with_classes",
    "with_known_pixels",
]
