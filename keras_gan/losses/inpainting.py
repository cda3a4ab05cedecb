"""The inpainting loss."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.losses.adversarial import NonSaturating


@keras.saving.register_keras_serializable("keras_gan")
class InpaintingLoss(NonSaturating):
    """The paper's objectives, and for G the energy score of its completions of an image.

    With `x` an image and `g`, `g'` two completions of it, G also descends `w (|g - x| - |g - g'| /
    2)`, norms over all numbers of an image. Its mean over both is the energy score of two draws,
    which is strictly proper: least where completions are distributed as images with these known
    pixels are, and so at the adversarial game's own equilibrium (Gneiting and Raftery 2007,
    equation 22; Bouchacourt et al. 2016). For `conditioning.Inpainting`, whose samples are such pairs.

    Args:
        discriminator_weight: Factor of D's loss.
        energy_weight: `w`, at least 0.
    """

    requires: tuple[str, ...] = ("truth",)

    def __init__(self, discriminator_weight: float = 1.0, energy_weight: float = 2.0):
        super().__init__(discriminator_weight)
        if not 0 <= energy_weight < math.inf:
            raise InputError(f"`energy_weight` must be >= 0. Received: {energy_weight}")
        self.energy_weight = energy_weight

    def generator(self, real: DiscriminatorOutput | None, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the sum of both for every completion, float `[n]`."""
        made = _flat(fake.examples)
        rows = tf.shape(made)[0]
        other = tf.bitwise.bitwise_xor(tf.range(rows), 1)
        other = tf.gather(made, tf.minimum(other, rows - 1))
        energy = _norm(made - _flat(fake.condition["truth"])) - 0.5 * _norm(made - other)
        return super().generator(real, fake) + self.energy_weight * energy

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "energy_weight": self.energy_weight}


def _flat(examples: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.reshape(examples, [-1, math.prod(examples.shape[1:])]), tf.float32)


def _norm(vectors: tf.Tensor) -> tf.Tensor:
    """Norms of `[n, d]`, with a gradient of 0 at 0."""
    squares = tf.reduce_sum(tf.square(vectors), axis=1)
    return tf.sqrt(tf.maximum(squares, 1e-12))
