"""The bundled digits with an inference network q(z | x): from images to latents (section 7).

Next to the networks of `digits`, or after them with G fixed:

    keras-gan train --recipe digits_inference
    keras-gan train --recipe digits_inference --stage1 runs/digits-... --update fixed
"""

import dataclasses

from keras_gan.experiment import TrainingData
from keras_gan.recipes import digits, section_7
from keras_gan.recipes.settings import Built


@dataclasses.dataclass(frozen=True)
class Settings(section_7.InferenceSettings, digits.Settings):
    """Those of `digits`, and the inference network's."""


def build(settings: Settings, data: TrainingData) -> Built:
    """The model, and how it learns."""
    return section_7.build_inference(settings, data, section_7.DIGITS, digits.make_networks)
