"""MNIST, completed from any part of an image: p(x_S | x_notS) for every S (section 7).

    python -m keras_gan.train --recipe mnist_completion

The networks of `mnist`, below whose G two convolutions read the known pixels and which they are; D
sees the whole image and which pixels were known. G also descends the energy score of its
completions (`keras_gan.losses.InpaintingLoss`): without it draws hardly differed and took little notice
of the known part. Masks in training: `keras_gan.conditioning.MASKS`.
"""

import dataclasses
import functools

from keras_gan.conditioning import Inpainting
from keras_gan.recipes import mnist_tuned, section_7

RECIPE = dataclasses.replace(
    mnist_tuned.RECIPE,
    name="mnist_completion",
    networks=functools.partial(section_7.completing, sizes=section_7.MNIST),
    condition=Inpainting((28, 28, 1)),
    **section_7.COMPLETION,
    batch_size=100,
    generator_learning_rate=5e-4,
    epochs=30,
)
