"""MNIST with an inference network q(z | x): from images to latents (section 7).

Beside the networks of `mnist_tuned`, or after them with G fixed:

    python -m keras_gan.train --recipe mnist_inference
    python -m keras_gan.train --recipe mnist_inference --stage1 runs/mnist_tuned-... --update fixed
"""

import dataclasses
import functools

from keras_gan.recipes import mnist_tuned, section_7

RECIPE = dataclasses.replace(
    mnist_tuned.RECIPE,
    name="mnist_inference",
    networks=functools.partial(section_7.for_inference, build=mnist_tuned.build),
    auxiliary_networks=functools.partial(section_7.inference, sizes=section_7.MNIST),
    generator_learning_rate=5e-4,
)
