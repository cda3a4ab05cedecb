"""The bundled digits, inpainted from any part of an image: p(x_S | x_notS) for every S (section 7).

    keras-gan train --recipe digits_inpainting

The networks of `digits`, which inpaint as in `mnist_inpainting`. Masks in training:
`keras_gan.conditioning.MASKS`.
"""

import dataclasses
from typing import Any

from keras_gan.conditioning import Inpainting
from keras_gan.experiment import TrainingData
from keras_gan.recipes import section_7
from keras_gan.training.gan import GAN


@dataclasses.dataclass(frozen=True)
class Settings(section_7.InpaintingSettings):
    """Settings for few small images."""

    dataset: str = "digits"
    latent_dim: int = 32
    batch_size: int = 50
    epochs: int = 200
    ema_momentum: float = 0.995
    likelihood_every: int = 10


def build(settings: Settings, data: TrainingData) -> tuple[GAN, dict[str, Any]]:
    """The model, and how it learns."""
    gan = GAN(
        *section_7.inpainting(settings, data, section_7.DIGITS),
        settings.make_prior(),
        condition=Inpainting(data.shape),
        seed=settings.seed,
        ema=settings.ema,
    )
    return gan, settings.compile_arguments(data, "inpainting")
