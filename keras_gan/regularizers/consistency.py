"""D's output should not change where its input changes in a way that does not matter."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from keras_gan.core import randomness
from keras_gan.core.arguments import is_number
from keras_gan.core.batches import DiscriminatorOutput, GeneratedBatch
from keras_gan.core.errors import InputError
from keras_gan.core.keras_private import all_layers
from keras_gan.optimizers.schedules import current_value
from keras_gan.regularizers.base import (
    Discriminate,
    Generate,
    Regularizer,
    Weight,
    check_weight,
)

__all__ = ["Consistency", "LatentConsistency"]


@keras.saving.register_keras_serializable("keras_gan")
class Consistency(Regularizer):
    """`weight (C(x) - C(T(x)))^2` for a random transform T.

    On data alone it is CR (Zhang et al. 2020, arXiv:1910.12027), on data and samples bCR (Zhao et
    al. 2021, arXiv:2002.04724).

    Args:
        transform: T, a Keras layer such as `keras.Sequential([RandomFlip(), RandomShift()])` of
            `keras_gan.augmentation`, from examples to examples; called with `training=True`.
        real_weight: Weight on data, a number >= 0 or a schedule of images seen.
        fake_weight: Weight on samples; 0 for CR.
        every: See `Regularizer`.
    """

    name = "consistency"

    def __init__(
        self,
        transform: Callable[[tf.Tensor], tf.Tensor],
        real_weight: Weight = 10.0,
        fake_weight: Weight = 10.0,
        every: int = 1,
    ):
        super().__init__(every)
        if not callable(transform):
            raise InputError(f"`transform` must be a Keras layer. Received: {transform!r}")
        parts = all_layers(transform) if isinstance(transform, keras.layers.Layer) else []
        if any(getattr(part, "reads_signs", False) for part in parts):
            raise InputError(
                "the probability of `transform` must be a number or a schedule: only that of "
                f"`compile(augmentation=...)` adapts. Received: {transform!r}"
            )
        self.transform = transform
        self.variables = list(getattr(transform, "variables", ()))  # Keras's count their draws
        self.real_weight = check_weight("real_weight", real_weight)
        self.fake_weight = check_weight("fake_weight", fake_weight)

    def penalty(
        self, discriminate: Discriminate, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> tf.Tensor:
        """Returns the penalty of each pair, float32 `[n]`."""
        total = tf.zeros_like(real.logits)
        for output, weight in ((real, self.real_weight), (fake, self.fake_weight)):
            if weight == 0:
                continue
            again = discriminate(self._transformed(output.examples), output.condition)
            total += current_value(weight) * tf.square(output.logits - again.logits)
        return total

    def _transformed(self, examples: tf.Tensor) -> tf.Tensor:
        if isinstance(self.transform, keras.layers.Layer):
            return self.transform(examples, training=True)
        return self.transform(examples)


@keras.saving.register_keras_serializable("keras_gan")
class LatentConsistency(Regularizer):
    """zCR: D ignores a small change of z, G does not (Zhao et al. 2021, arXiv:2002.04724).

    With `e ~ N(0, sd^2)`, D minimizes `discriminator_weight (C(G(z)) - C(G(z + e)))^2` and G
    minimizes `-generator_weight mean (G(z) - G(z + e))^2`, a mean over the numbers of an example.

    Args:
        discriminator_weight: Weight of D's term, a number >= 0 or a schedule of images seen.
        generator_weight: Weight of G's term.
        sd: Standard deviation of the change of z, > 0.
    """

    name = "latent_consistency"
    uses_generator = True

    def __init__(
        self,
        discriminator_weight: Weight = 5.0,
        generator_weight: Weight = 0.5,
        sd: float = 0.05,
    ):
        super().__init__()
        self.discriminator_weight = check_weight("discriminator_weight", discriminator_weight)
        self.generator_weight = check_weight("generator_weight", generator_weight)
        if not (is_number(sd) and 0 < sd < float("inf")):
            raise InputError(f"`sd` must be > 0. Received: {sd!r}")
        self.sd = sd

    def _moved(self, generate: Generate, samples: GeneratedBatch) -> GeneratedBatch:
        draws = randomness.required_draws("LatentConsistency")
        noise = randomness.normal(draws.bits(samples.latents.shape[1:]))
        return generate(samples.latents + self.sd * noise)

    def penalty(  # type: ignore[override]
        self,
        discriminate: Discriminate,
        real: DiscriminatorOutput,
        fake: DiscriminatorOutput,
        generate: Generate,
        samples: GeneratedBatch,
    ) -> tf.Tensor:
        """Returns D's term for each sample, float32 `[n]`."""
        moved = self._moved(generate, samples)
        again = discriminate(moved.examples, moved.condition)
        return current_value(self.discriminator_weight) * tf.square(fake.logits - again.logits)

    def generator_penalty(self, generate: Generate, samples: GeneratedBatch) -> tf.Tensor:
        """Returns G's term for each sample, float32 `[n]`, at most 0."""
        change = samples.examples - self._moved(generate, samples).examples
        square = tf.square(tf.cast(change, tf.float32))
        return -current_value(self.generator_weight) * tf.reduce_mean(
            square, axis=range(1, square.shape.rank)
        )
