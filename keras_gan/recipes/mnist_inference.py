"""MNIST with an inference network q(z | x): from images to latents (section 7).

Next to the networks of `mnist_tuned`, or after them with G fixed:

    keras-gan train --recipe mnist_inference
    keras-gan train --recipe mnist_inference --stage1 runs/mnist_tuned-... --update fixed
"""

import dataclasses
import functools

from keras_gan.recipes import mnist, mnist_tuned, section_7


@dataclasses.dataclass(frozen=True)
class Settings(section_7.InferenceSettings, mnist_tuned.Settings):
    """Those of `mnist_tuned` with one rate for G and D, and the inference network's."""

    update: str = "alternating"
    generator_learning_rate: float = 5e-4


build = functools.partial(
    section_7.build_inference,
    sizes=section_7.MNIST,
    make_networks=functools.partial(mnist.make_networks, input_noise=mnist_tuned.INPUT_NOISE),
)
