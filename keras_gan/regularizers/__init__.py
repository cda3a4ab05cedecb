"""Terms that the discriminator minimizes in addition to its loss."""

from keras_gan.regularizers import gradient_penalties
from keras_gan.regularizers.base import Regularizer
from keras_gan.regularizers.gradient_penalties import *

__all__ = ["Regularizer", *gradient_penalties.__all__]
