"""The inpainting loss."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from keras_gan.core.arguments import weight
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.losses.adversarial import NonSaturating
from keras_gan.losses.base import balanced

__all__ = ["InpaintingLoss"]


@keras.saving.register_keras_serializable("keras_gan")
class InpaintingLoss(NonSaturating):
    """The paper's objectives, and for G the energy score of its inpaintings of an image.

    With `x` an image and `g`, `g'` two inpaintings of it, G also minimizes `w (|g - x| - |g - g'| /
    2)`, norms over all numbers of an image. The mean over both is the energy score of two draws,
    which is strictly proper: it is smallest where inpaintings have the distribution of images with
    these known pixels, so also at the equilibrium (Gneiting and Raftery 2007, equation 22;
    Bouchacourt et al. 2016). It is for `conditioning.Inpainting`, which makes such pairs.

    The last of an odd number of rows, which only `evaluate` has, has no second inpainting: the mean
    of the energy is then taken over the pairs.

    Args:
        discriminator_weight: Factor of D's loss.
        energy_weight: `w`, at least 0.
    """

    updates_may_overlap = True
    requires: tuple[str, ...] = ("truth",)

    def __init__(self, discriminator_weight: float = 1.0, energy_weight: float = 2.0):
        super().__init__(discriminator_weight)
        self.energy_weight = weight("energy_weight", energy_weight)

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the sum of both for every inpainting, float32 `[n]`."""
        inpaintings, truth = _flat(fake.examples), _flat(fake.condition["truth"])
        rows = tf.range(tf.shape(inpaintings)[0])
        in_pair = rows < tf.size(rows) // 2 * 2
        other = tf.gather(inpaintings, tf.where(in_pair, tf.bitwise.bitwise_xor(rows, 1), rows))
        energy = _norm(inpaintings - truth) - 0.5 * _norm(inpaintings - other)
        if energy.shape[0] is None or energy.shape[0] % 2:  # in `evaluate`; a mean over pairs
            energy *= balanced(in_pair)
        return super().generator(real, fake) + self.energy_weight * energy


def _flat(examples: tf.Tensor) -> tf.Tensor:
    return tf.reshape(examples, [-1, math.prod(examples.shape[1:])])


def _norm(vectors: tf.Tensor) -> tf.Tensor:
    """Norms of `[n, d]`, with a gradient of 0 at 0."""
    squares = tf.reduce_sum(tf.square(vectors), axis=1)
    return tf.sqrt(tf.maximum(squares, 1e-12))
