"""Losses with a second task: the class of an example (AC-GAN), or its code (InfoGAN)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_gan.core import arguments
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.losses.adversarial import NonSaturating
from keras_gan.losses.base import Loss, class_entropy

__all__ = ["AuxiliaryClassifier", "Info", "categorical_code", "gaussian_code"]


def categorical_code(*, code: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
    """`-log q(c given x)` of a categorical code.

    Args:
        code: One-hot codes, float `[n, K]`.
        scores: Unnormalized log probabilities, float `[n, K]`.

    Returns:
        float `[n]`, nats.
    """
    return tf.nn.softmax_cross_entropy_with_logits(labels=code, logits=scores)


def gaussian_code(*, code: tf.Tensor, mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """`-log q(c given x)` of a continuous code under independent Gaussians.

    Args:
        code: float `[n, d]`.
        mean: float `[n, d]`.
        log_variance: float `[n, d]`.

    Returns:
        float `[n]`, nats.
    """
    square = tf.square(code - mean) * tf.exp(-log_variance)
    return tf.reduce_sum(math.log(2 * math.pi) + log_variance + square, axis=-1) / 2


class _TwoTasks(Loss):
    """Another loss, and a term that D and G both minimize.

    Args:
        loss: The loss, `NonSaturating()` if None.

    Raises:
        InputError: It is no `Loss`.
    """

    def __init__(self, loss: Loss | None):
        if not isinstance(loss, Loss | None):
            raise InputError(
                "the loss that a second task is added to must be a keras_gan.losses.Loss, such as "
                f"losses.Hinge(). Received: {loss!r}"
            )
        self.loss = NonSaturating() if loss is None else loss
        self.generator_uses_real = self.loss.generator_uses_real
        self.ignores_constants = self.loss.ignores_constants
        self.boundary = self.loss.boundary
        self.gives_probabilities = self.loss.gives_probabilities
        self.uses_batch_means = self.loss.uses_batch_means
        self.uses_labels = type(self).uses_labels or self.loss.uses_labels
        self.variables = self.loss.variables
        self.requires = tuple(dict.fromkeys((*type(self).requires, *self.loss.requires)))


@keras.saving.register_keras_serializable("keras_gan")
class AuxiliaryClassifier(_TwoTasks):
    """AC-GAN (Odena et al. 2017, arXiv:1610.09585): D also tells the class of what it sees.

    Both networks minimize the cross-entropy of the classes in addition to their loss: D on data and
    on samples, G on samples. D returns class scores `[n, K]` under "classes"; the model has the
    condition `Classes(K)`, which D does not need as an input.

    Args:
        loss: The loss that it is added to; `NonSaturating()` if None.
        weight: Weight of the cross-entropies.
    """

    uses_labels = True
    requires = ("classes", "condition")

    def __init__(self, loss: Loss | None = None, weight: float = 1.0):
        super().__init__(loss)
        self.weight = arguments.weight("weight", weight)

    def check(self, discriminator_outputs: Mapping[str, tuple], condition: Any) -> None:
        """Raises InputError unless D scores as many classes as the condition has."""
        self.loss.check(discriminator_outputs, condition)
        count = getattr(condition, "count", None)
        scores = discriminator_outputs["classes"]
        if count is None or scores != (None, count):
            raise InputError(
                "AuxiliaryClassifier needs the condition `Classes(K)` and a D that returns "
                f"'classes' [n, K]. Received: {condition}, and 'classes' of shape {scores}"
            )

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the loss of each pair, float `[n]`."""
        entropy = class_entropy(real, real.labels)
        entropy += class_entropy(fake, fake.condition["condition"])
        return self.loss.discriminator(real, fake) + self.weight * entropy

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns G's loss of each generated example, float `[n]`."""
        entropy = class_entropy(fake, fake.condition["condition"])
        return self.loss.generator(real, fake) + self.weight * entropy


@keras.saving.register_keras_serializable("keras_gan")
class Info(_TwoTasks):
    """InfoGAN (Chen et al. 2016, arXiv:1606.03657): samples tell the code that they were made of.

    The model has the condition `Codes`, a one-hot and a continuous part. D also is Q: it returns
    the scores of the categories `[n, K]` under "classes", and under "codes" the means and log
    variances of the continuous part, `[n, 2 d]`, each where the code has that part. Both networks
    minimize `-log Q(code given G(z, code))`, a bound of the mutual information; the paper weights
    it by 1 for categories and by less for continuous codes.

    Args:
        loss: The loss that it is added to; `NonSaturating()` if None.
        categorical_weight: Weight of the one-hot part.
        continuous_weight: Weight of the continuous part.
    """

    requires = ("condition",)

    def __init__(
        self,
        loss: Loss | None = None,
        categorical_weight: float = 1.0,
        continuous_weight: float = 0.1,
    ):
        super().__init__(loss)
        self.categorical_weight = arguments.weight("categorical_weight", categorical_weight)
        self.continuous_weight = arguments.weight("continuous_weight", continuous_weight)

    def check(self, discriminator_outputs: Mapping[str, tuple], condition: Any) -> None:
        """D must return scores of as many categories, and two numbers for each continuous code."""
        self.loss.check(discriminator_outputs, condition)
        categories = getattr(condition, "categories", None)
        if categories is None:
            raise InputError(f"the loss Info needs the condition Codes. Received: {condition!r}")
        for name, size in (("classes", categories), ("codes", 2 * condition.continuous)):
            given = discriminator_outputs.get(name, (None, 0))
            if given != (None, size):
                wanted = (
                    f"must return {name!r} [n, {size}]" if size else f"must not return {name!r}"
                )
                raise InputError(f"for {condition!r} D {wanted}. Received: shape {given}")

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the loss of each pair, float `[n]`."""
        return self.loss.discriminator(real, fake) + self._of_codes(fake)

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns G's loss of each generated example, float `[n]`."""
        return self.loss.generator(real, fake) + self._of_codes(fake)

    def _of_codes(self, fake: DiscriminatorOutput) -> tf.Tensor:
        code: Any = fake.condition["condition"]
        loss, categories = tf.zeros_like(fake.logits), 0
        if fake.classes is not None:
            categories = fake.classes.shape[-1]
            entropy = categorical_code(code=code[:, :categories], scores=fake.classes)
            loss += self.categorical_weight * entropy
        continuous = code[:, categories:]
        size = 0 if fake.codes is None else fake.codes.shape[-1]
        if size != 2 * continuous.shape[-1]:
            raise InputError(
                f"D must return 'classes' [n, K] and 'codes' [n, 2 d] for codes of K + d = "
                f"{code.shape[-1]} numbers. Received: K = {categories}, 2 d = {size}"
            )
        if size:
            mean, log_variance = tf.split(fake.codes, 2, axis=-1)
            loss += self.continuous_weight * gaussian_code(
                code=continuous, mean=mean, log_variance=log_variance
            )
        return loss
