"""Layers that the paper's networks need and Keras does not have.

`Dropout` and `GaussianNoise` draw from `keras_gan.core.randomness`: in a `GAN` their draws are a
function of the seed, the step, the purpose and the global row. Elsewhere they behave as Keras's
own layers do. Every layer takes the further arguments of `keras.layers.Layer`.
"""

from keras_gan.layers.convolutional import PartialMaxPooling2D, UntiedBias
from keras_gan.layers.functions import Cast, Compose, LogSumExp, OneHot
from keras_gan.layers.maxout import Maxout
from keras_gan.layers.noise import Dropout, GaussianNoise
from keras_gan.layers.weight_norm import WeightNormDense

__all__ = [
    "Cast",
    "Compose",
    "Dropout",
    "GaussianNoise",
    "LogSumExp",
    "Maxout",
    "OneHot",
    "PartialMaxPooling2D",
    "UntiedBias",
    "WeightNormDense",
]
