"""Feature matching, and learning from few labels (Salimans et al. 2016)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.replicas import global_mean
from keras_gan.losses.adversarial import NonSaturating
from keras_gan.losses.base import balanced, class_entropy

__all__ = ["FeatureMatching", "SemiSupervised"]


@keras.saving.register_keras_serializable("keras_gan")
class FeatureMatching(NonSaturating):
    """D as in equation (1); G brings the mean features of samples to those of data.

    G minimizes the squared distance between the two means, over the global minibatch, of the
    features that D returns (Salimans et al. 2016, section 3.1).

    Args:
        discriminator_weight: Factor of D's loss.
    """

    updates_may_overlap = True
    generator_uses_real = True
    uses_batch_means = True
    requires: tuple[str, ...] = ("features",)

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the squared distance for every generated example, float `[n]`."""
        features: Any = real.features  # D returns them: see `requires`
        weights = tf.reshape(self._data_weights(real), [-1, *(1 for _ in features.shape[1:])])
        real_mean = tf.stop_gradient(global_mean(weights * features))
        distance = real_mean - global_mean(fake.features)
        return tf.reduce_sum(tf.square(distance)) * tf.ones_like(fake.logits)

    def _data_weights(self, real: DiscriminatorOutput) -> tf.Tensor:
        """How much each example of the data counts, float32 `[n]`, with mean 1."""
        return tf.ones_like(real.logits)


@keras.saving.register_keras_serializable("keras_gan")
class SemiSupervised(FeatureMatching):
    """Feature matching with a D that also learns the classes of the labeled examples.

    D is a classifier of K + 1 classes, the last of which is "generated" with logit 0, so that
    `D(x) = sigmoid(logsumexp(classes))` (Salimans et al. 2016, section 5;
    `networks.maxout_discriminator(classes=K)`). It minimizes equation (1) on unlabeled data and on
    samples, and the cross-entropy of the K classes on labeled data, each a mean over its rows of
    the global minibatch. Labels are int `[n]`, -1 where unknown.

    Args:
        discriminator_weight: Factor of D's loss.
    """

    updates_may_overlap = True
    uses_labels = True
    requires = ("features", "classes")

    def __init__(self, discriminator_weight: float = 1.0):
        super().__init__(discriminator_weight)

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns the loss, whose mean is the sum of the three means, float `[n]`."""
        for_real = balanced(tf.less(real.labels, 0)) * tf.nn.softplus(-real.logits)
        of_classes = balanced(tf.greater_equal(real.labels, 0)) * class_entropy(real, real.labels)
        return self.discriminator_weight * (for_real + tf.nn.softplus(fake.logits) + of_classes)

    def _data_weights(self, real: DiscriminatorOutput) -> tf.Tensor:
        """For G unlabeled examples count, or all in a minibatch without any."""
        unlabeled = balanced(tf.less(real.labels, 0))
        return tf.where(global_mean(unlabeled) > 0, unlabeled, tf.ones_like(unlabeled))
