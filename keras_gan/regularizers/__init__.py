"""Terms that the discriminator minimizes in addition to its loss."""

from keras_gan.regularizers import consistency, gradient_penalties, lecam
from keras_gan.regularizers.base import Regularizer, with_input_gradients
from keras_gan.regularizers.consistency import *
from keras_gan.regularizers.gradient_penalties import *
from keras_gan.regularizers.lecam import *

__all__ = [
    "Regularizer",
    "with_input_gradients",
    *gradient_penalties.__all__,
    *consistency.__all__,
    *lecam.__all__,
]
