"""Terms that the discriminator minimizes in addition to its loss."""

from keras_gan.regularizers.base import Regularizer
from keras_gan.regularizers.gradient_penalties import R1, R2, squared_norm

__all__ = ["R1", "R2", "Regularizer", "squared_norm"]
