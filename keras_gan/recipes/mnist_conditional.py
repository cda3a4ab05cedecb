"""MNIST, one class at a time: p(x given c), section 7 of the paper.

    keras-gan train --recipe mnist_conditional

The paper's networks, which see the class as well, learning as in `mnist_tuned`, both at one rate.
In training samples have the classes of the data with which they are compared; a sample whose class
is not given has each class as often. Published for other conditional nets: 132 +- 1.8 nats (Mirza
and Osindero 2014).
"""

import dataclasses
import functools

from keras_gan.recipes import mnist_tuned, section_7


@dataclasses.dataclass(frozen=True)
class Settings(mnist_tuned.Settings):
    """Those of `mnist_tuned`, with one rate for both networks."""

    generator_learning_rate: float = 5e-4


build = functools.partial(section_7.build_conditional, sizes=section_7.MNIST)
