"""MNIST, inpainted from any part of an image: p(x_S | x_notS) for every S (section 7).

    keras-gan train --recipe mnist_inpainting

The networks of `mnist`. Two convolutions read the known pixels and their mask, and G gets their
output with z; D sees the whole image and the mask. G also minimizes the energy score of its
samples (`keras_gan.losses.InpaintingLoss`): without it, inpaintings hardly differed and hardly
depended on the known part. Masks in training: `keras_gan.conditioning.MASKS`.
"""

import dataclasses
import functools

from keras_gan.recipes import section_7


@dataclasses.dataclass(frozen=True)
class Settings(section_7.InpaintingSettings):
    """Settings for MNIST."""

    dataset: str = "mnist"
    epochs: int = 30
    ema_momentum: float = 0.9995
    likelihood_every: int = 5
    likelihood_samples: int = 10_000


build = functools.partial(section_7.build_inpainting, sizes=section_7.MNIST)
