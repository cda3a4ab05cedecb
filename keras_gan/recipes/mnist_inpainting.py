"""MNIST, inpainted from any part of an image: p(x_S | x_notS) for every S (section 7).

    keras-gan train --recipe mnist_inpainting

The networks of `mnist`, below whose G two convolutions read the known pixels and which they are; D
sees the whole image and which pixels were known. G also descends the energy score of its
samples (`keras_gan.losses.InpaintingLoss`): without it draws hardly differed and took little
notice of the known part. Masks in training: `keras_gan.conditioning.MASKS`.
"""

import dataclasses
from typing import Any

from keras_gan.conditioning import Inpainting
from keras_gan.experiment import TrainingData
from keras_gan.recipes import section_7
from keras_gan.training.gan import GAN


@dataclasses.dataclass(frozen=True)
class Settings(section_7.InpaintingSettings):
    """Settings for MNIST."""

    dataset: str = "mnist"
    epochs: int = 30
    ema_momentum: float = 0.9995
    likelihood_every: int = 5
    likelihood_samples: int = 10_000


def build(settings: Settings, data: TrainingData) -> tuple[GAN, dict[str, Any]]:
    """The model, and how it learns."""
    gan = GAN(
        *section_7.inpainting(settings, data, section_7.MNIST),
        settings.make_prior(),
        condition=Inpainting(data.shape),
        seed=settings.seed,
        ema=settings.ema,
    )
    return gan, settings.compile_arguments(data, "inpainting")
