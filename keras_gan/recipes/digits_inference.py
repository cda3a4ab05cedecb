"""The bundled digits with an inference network q(z | x): from images to latents (section 7).

Next to the networks of `digits`, or after them with G fixed:

    keras-gan train --recipe digits_inference
    keras-gan train --recipe digits_inference --stage1 runs/digits-... --update fixed
"""

import dataclasses
import functools

from keras_gan.recipes import digits, section_7


@dataclasses.dataclass(frozen=True)
class Settings(section_7.InferenceSettings, digits.Settings):
    """Those of `digits`, and the inference network's."""


build = functools.partial(
    section_7.build_inference, sizes=section_7.DIGITS, make_networks=digits.make_networks
)
