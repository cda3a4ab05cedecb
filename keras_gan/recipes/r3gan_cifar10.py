"""CIFAR-10 by class as R3GAN was published: 1.96 FID after 250 million images (Huang et al. 2024).

    keras-gan train --recipe r3gan_cifar10

arXiv:2501.05441, config E: relativistic pairs, R1 and R2, and an augmentation that grows in the
burn-in. At width 768 that is four days on eight GPUs. On one GPU:

    keras-gan train --recipe r3gan_cifar10 --width 192 --precision mixed_bfloat16

and on two cores, where grouped convolutions are slow, `--width 32 --group-size 0 --batch-size 64`.
"""

import dataclasses
from typing import Any

from keras_gan import experiment, networks
from keras_gan.augmentation import RandomTransforms
from keras_gan.conditioning import Classes
from keras_gan.experiment import TrainingData, setting
from keras_gan.optimizers.schedules import Cosine
from keras_gan.recipes.settings import Built, R3GANSettings, model

CLASSES = 10


@dataclasses.dataclass(frozen=True)
class Settings(R3GANSettings, experiment.Settings):
    """The published settings."""

    dataset: str = "cifar10"
    preprocessing: str = "symmetric_range"
    batch_size: int = 512
    width: int = 768
    group_size: int = setting(
        16, "channels of a group of the 3x3 convolutions; 0: all in one", least=0, most=2**12
    )
    learning_rate_factor: float = 0.25
    gamma: float = 0.05
    final_gamma: float = 0.005
    burn_in: int = 20_000_000
    ema_half_life: int = 5_000_000
    augmentation: float = setting(
        0.55, "probability of each change of D's inputs after the burn-in", least=0, most=1
    )
    epochs: int = 6250
    likelihood_every: int = 0
    distance_every: int = 50


def build(settings: Settings, data: TrainingData) -> Built:
    """The model, and how it learns."""
    options: dict[str, Any] = {
        "widths": settings.width,
        "group_size": settings.group_size or None,
        "classes": CLASSES,
    }
    generator = networks.r3gan_generator(
        data.shape, settings.latent_dim, seed=settings.seed, **options
    )
    discriminator = networks.r3gan_discriminator(data.shape, seed=settings.seed + 1, **options)
    gan, arguments = model(settings, data, generator, discriminator, condition=Classes(CLASSES))
    strength = Cosine(0.0, settings.augmentation, settings.burn_in)
    augmentation = RandomTransforms(strength, color=0.5, cutout=1.0)
    return gan, {**arguments, "augmentation": augmentation}
