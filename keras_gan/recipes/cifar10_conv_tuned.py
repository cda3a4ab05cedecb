"""CIFAR-10 with the convolutional networks of the paper and settings of our own.

    keras-gan train --recipe cifar10_conv_tuned --precision mixed_bfloat16

Under the paper's settings G hardly moves for many epochs (`cifar10_conv`). Here both kinds of D's
inputs get noise as strong as the data, and both networks are trained by Adam: D's gradient helps G
from the first epoch on. G's output weights start as large as in `cifar10_mlp`, so that samples
differ from the beginning.
"""

import dataclasses

from keras_gan.experiment import TrainingData
from keras_gan.recipes import cifar10_conv
from keras_gan.recipes.settings import Built, TunedSettings, model


@dataclasses.dataclass(frozen=True)
class Settings(TunedSettings):
    """Settings of our own."""

    dataset: str = "cifar10"
    preprocessing: str = "global_contrast"
    prior: str = "normal"
    batch_size: int = 128
    update: str = "simultaneous"
    generator_learning_rate: float = 5e-4
    discriminator_learning_rate: float = 2e-4
    ema_momentum: float = 0.999
    likelihood_every: int = 0


def build(settings: Settings, data: TrainingData) -> Built:
    """The networks of `cifar10_conv`, D with noise at its input."""
    networks = cifar10_conv.make_networks(settings, data, output_irange=0.5, input_noise=1.0)
    return model(settings, data, *networks)
