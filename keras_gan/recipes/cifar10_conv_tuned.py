"""CIFAR-10 with the convolutional networks of the paper and settings of our own.

    python -m keras_gan.train --recipe cifar10_conv_tuned --precision mixed_bfloat16

Under the paper's settings G hardly moves for many epochs (`cifar10_conv`). Here both kinds of D's
inputs get noise, as strong as the data vary, and both networks learn by Adam: D is soon of use to G,
and not soon too sure. G's output weights begin as large as in `cifar10_mlp`, so that samples differ
from the first.
"""

import dataclasses
import functools

from keras_gan.recipes import cifar10_conv

RECIPE = dataclasses.replace(
    cifar10_conv.RECIPE,
    name="cifar10_conv_tuned",
    networks=functools.partial(cifar10_conv.build, output_irange=0.5, input_noise=1.0),
    discriminator_loss_weight=1.0,
    optimizer="adam",
    generator_learning_rate=5e-4,
    discriminator_learning_rate=2e-4,
    learning_rate_divisor=1.0,
    ema=0.999,
    epochs=100,
)
