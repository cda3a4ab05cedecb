"""The bundled digits, classified by D from few labels (section 7, point 4).

    keras-gan train --recipe digits_semi_supervised --labels 50

D names ten classes and "generated" and sees few labels; G matches D's features (Salimans et al.
2016). `keras-gan evaluate RUN` reports D's test error.
"""

import dataclasses

from keras_gan import networks
from keras_gan.experiment import TrainingData
from keras_gan.recipes import digits, section_7
from keras_gan.recipes.section_7 import training_set
from keras_gan.recipes.settings import Built, model

__all__ = ["Settings", "build", "training_set"]


@dataclasses.dataclass(frozen=True)
class Settings(section_7.SemiSupervisedSettings):
    """Settings for few small images."""

    dataset: str = "digits"
    labels: int = 50
    latent_dim: int = 32
    batch_size: int = 50
    epochs: int = 75
    ema_momentum: float = 0.995


def build(settings: Settings, data: TrainingData) -> Built:
    """The generator of `digits`; a maxout network that names classes, with noise on its inputs."""
    generator, _ = digits.make_networks(settings, data)
    discriminator = networks.maxout_discriminator(
        data.shape,
        units=96,
        irange=0.05,
        input_dropout=0.0,
        input_noise=0.2,
        classes=section_7.CLASSES,
        seed=settings.seed + 1,
    )
    return model(settings, data, generator, discriminator, "semi_supervised")
