"""The bundled digits, completed from any part of an image: p(x_S | x_notS) for every S (section 7).

    python -m keras_gan.train --recipe digits_completion

The networks of `digits`, completing as in `mnist_completion`. Masks in training:
`keras_gan.conditioning.MASKS`.
"""

import dataclasses
import functools

from keras_gan.conditioning import Inpainting
from keras_gan.recipes import digits_conditional, section_7

RECIPE = dataclasses.replace(
    digits_conditional.RECIPE,
    name="digits_completion",
    networks=functools.partial(section_7.completing, sizes=section_7.DIGITS),
    condition=Inpainting((8, 8, 1)),
    **section_7.COMPLETION,
)
