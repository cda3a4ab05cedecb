"""The bundled digits, one class at a time: p(x given c), section 7 of the paper.

    python -m keras_gan.train --recipe digits_conditional

The networks of `digits`, which see the class besides; noise on D's images and Adam, as in
`mnist_tuned`. In training samples have the classes of the data that they stand against; a sample
whose class is not given has each class as often.
"""

import dataclasses
import functools

from keras_gan.conditioning import Classes
from keras_gan.recipes import digits, section_7

_CLASSES = 10

RECIPE = dataclasses.replace(
    digits.RECIPE,
    name="digits_conditional",
    networks=functools.partial(section_7.conditional, sizes=section_7.DIGITS, classes=_CLASSES),
    condition=Classes(_CLASSES),
    update="alternating",
    discriminator_loss_weight=1.0,
    optimizer="adam",
    generator_learning_rate=5e-4,
    discriminator_learning_rate=5e-4,
)
