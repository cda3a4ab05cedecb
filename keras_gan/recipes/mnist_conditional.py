"""MNIST, one class at a time: p(x given c), section 7 of the paper.

    python -m keras_gan.train --recipe mnist_conditional

The paper's networks, which see the class besides, learning as in `mnist_tuned`, both at one rate.
In training samples have the classes of the data that they stand against; a sample whose class is
not given has each class as often. Published for other conditional nets: 132 +- 1.8 nats (Mirza and
Osindero 2014).
"""

import dataclasses
import functools

from keras_gan.conditioning import Classes
from keras_gan.recipes import mnist_tuned, section_7

_CLASSES = 10

RECIPE = dataclasses.replace(
    mnist_tuned.RECIPE,
    name="mnist_conditional",
    networks=functools.partial(section_7.conditional, sizes=section_7.MNIST, classes=_CLASSES),
    condition=Classes(_CLASSES),
    generator_learning_rate=5e-4,
)
