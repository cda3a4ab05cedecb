"""The bundled digits, inpainted from any part of an image: p(x_S | x_notS) for every S (section 7).

    keras-gan train --recipe digits_inpainting

The networks of `digits`, which inpaint as in `mnist_inpainting`. Masks in training:
`keras_gan.conditioning.MASKS`.
"""

import dataclasses
import functools

from keras_gan.recipes import section_7


@dataclasses.dataclass(frozen=True)
class Settings(section_7.InpaintingSettings):
    """Settings for few small images."""

    dataset: str = "digits"
    latent_dim: int = 32
    batch_size: int = 50
    epochs: int = 200
    ema_momentum: float = 0.995
    likelihood_every: int = 10


build = functools.partial(section_7.build_inpainting, sizes=section_7.DIGITS)
