"""Random changes of geometry and color, also as strong as D's overfitting asks for (ADA)."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.augmentation.adaptive import Adaptive
from keras_gan.augmentation.color import random_color
from keras_gan.augmentation.geometry import random_geometry
from keras_gan.augmentation.images import ScheduledAugmentation, choose, uniform
from keras_gan.augmentation.pixels import random_cutout
from keras_gan.core import arguments
from keras_gan.optimizers.schedules import ImageSchedule

__all__ = ["ADA", "RandomTransforms"]


@keras.saving.register_keras_serializable("keras_gan")
class RandomTransforms(ScheduledAugmentation):
    """Changes of geometry and color, each with a probability.

    The pipeline of StyleGAN2-ADA (Karras et al. 2020, arXiv:2006.06676) for images in [-1, 1]. Each
    image undergoes each of these or not, in this order:

        geometry   mirroring, turning by right angles, shifting by whole pixels; scaling, rotation,
                   stretching, rotation, shifting, in one resampling without aliasing
        color      brightness, contrast, flip of luma, hue, saturation. Gray images have no hue and
                   no saturation; with other than 1 or 3 channels only brightness and contrast
        cutout     a rectangle of zeros, half as high and wide as the image

    An image that draws nothing keeps its bits. G does not learn the changes as long as the
    probability is at most 0.8. R3GAN (Huang et al. 2024, arXiv:2501.05441) raises it to 0.55 on
    CIFAR-10, with `color=0.5, cutout=1`.

    Args:
        probability: Of each change, in [0, 1]; a schedule of images seen; or `Adaptive`.
        geometry: Factor of the probability for changes of geometry, in [0, 1]; 0 leaves them out.
        color: The same for changes of color.
        cutout: The same for the cutout.
    """

    def __init__(
        self,
        probability: float | ImageSchedule | Adaptive,
        *,
        geometry: float = 1.0,
        color: float = 1.0,
        cutout: float = 0.0,
        **kwargs,
    ):
        super().__init__(probability, **kwargs)
        self.geometry = arguments.probability("geometry", geometry)
        self.color = arguments.probability("color", color)
        self.cutout = arguments.probability("cutout", cutout)

    def call(self, examples: tf.Tensor) -> tf.Tensor:
        """Returns the images, some of them changed, `[n, h, w, c]`."""
        strength = self.strength
        if self.geometry:
            examples = random_geometry(examples, self.geometry * strength)
        if self.color:
            examples = random_color(examples, self.color * strength)
        if self.cutout:
            cut = uniform() < self.cutout * strength
            examples = choose(cut, random_cutout(examples), examples)
        return examples

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "geometry": self.geometry,
            "color": self.color,
            "cutout": self.cutout,
        }


@keras.saving.register_keras_serializable("keras_gan")
class ADA(RandomTransforms):
    """`RandomTransforms` with an `Adaptive` probability (Karras et al. 2020).

    Args:
        target: As in `Adaptive`.
        images: As in `Adaptive`.
        interval: As in `Adaptive`.
        geometry: As in `RandomTransforms`.
        color: As in `RandomTransforms`.
        cutout: As in `RandomTransforms`.
    """

    def __init__(
        self,
        target: float = 0.6,
        images: float = 500_000,
        interval: int = 4,
        *,
        geometry: float = 1.0,
        color: float = 1.0,
        cutout: float = 0.0,
        **kwargs,
    ):
        probability = Adaptive(target, images, interval)
        super().__init__(probability, geometry=geometry, color=color, cutout=cutout, **kwargs)

    def get_config(self) -> dict:
        config = super().get_config()
        del config["probability"]
        numbers = ("target", "images", "interval")
        return {**config, **{name: getattr(self.probability, name) for name in numbers}}
