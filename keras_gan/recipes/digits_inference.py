"""The bundled digits with an inference network q(z | x): from images to latents (section 7).

Beside the networks of `digits`, or after them with G fixed:

    python -m keras_gan.train --recipe digits_inference
    python -m keras_gan.train --recipe digits_inference --stage1 runs/digits-... --update fixed
"""

import dataclasses
import functools

from keras_gan.recipes import digits, section_7

RECIPE = dataclasses.replace(
    digits.RECIPE,
    name="digits_inference",
    networks=functools.partial(section_7.for_inference, build=digits.build),
    auxiliary_networks=functools.partial(section_7.inference, sizes=section_7.DIGITS),
)
