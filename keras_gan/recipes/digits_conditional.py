"""The bundled digits, one class at a time: p(x given c), section 7 of the paper.

    keras-gan train --recipe digits_conditional

The networks of `digits`, which see the class as well; noise on D's images and Adam, as in
`mnist_tuned`. In training samples have the classes of the data with which they are compared; a
sample whose class is not given has each class as often.
"""

import dataclasses
import functools

from keras_gan.recipes import section_7
from keras_gan.recipes.settings import TunedSettings


@dataclasses.dataclass(frozen=True)
class Settings(TunedSettings):
    """Settings for few small images."""

    dataset: str = "digits"
    latent_dim: int = 32
    batch_size: int = 50
    generator_learning_rate: float = 5e-4
    discriminator_learning_rate: float = 5e-4
    learning_rate_divisor: float = 1.000004
    epochs: int = 200
    ema_momentum: float = 0.995
    likelihood_every: int = 10


build = functools.partial(section_7.build_conditional, sizes=section_7.DIGITS)
