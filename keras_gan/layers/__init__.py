"""Layers that Keras does not have.

`Dropout` and `GaussianNoise` draw from `keras_gan.core.randomness`: in a `GAN` their draws are a
function of the seed, the step, the purpose and the global row. Elsewhere they behave as Keras's
own layers do. Every layer takes the further arguments of `keras.layers.Layer`.
"""

from keras_gan.layers.attention import SelfAttention
from keras_gan.layers.basis import LearnedBasis
from keras_gan.layers.batch_features import MinibatchStd, Pack, Unpack
from keras_gan.layers.columns import Columns
from keras_gan.layers.conditional import ConditionalBatchNormalization, Projection
from keras_gan.layers.convolutional import PartialMaxPooling2D, UntiedBias
from keras_gan.layers.functions import Cast, Compose, LogSumExp, OneHot
from keras_gan.layers.maxout import Maxout
from keras_gan.layers.noise import Dropout, GaussianNoise
from keras_gan.layers.resampling import Downsample2x, Upsample2x
from keras_gan.layers.spectral_norm import SpectralNorm
from keras_gan.layers.weight_norm import WeightNormDense

__all__ = [
    "Cast",
    "Columns",
    "Compose",
    "ConditionalBatchNormalization",
    "Downsample2x",
    "Dropout",
    "GaussianNoise",
    "LearnedBasis",
    "LogSumExp",
    "Maxout",
    "MinibatchStd",
    "OneHot",
    "Pack",
    "PartialMaxPooling2D",
    "Projection",
    "SelfAttention",
    "SpectralNorm",
    "Unpack",
    "UntiedBias",
    "Upsample2x",
    "WeightNormDense",
]
