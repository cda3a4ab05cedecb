"""The base class of augmentations."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core.batches import DiscriminatorOutput


class Augmentation(keras.layers.Layer):
    """Changes all of D's inputs, real and generated ones alike, in both networks' steps.

    A subclass writes `call(examples)`, differentiable, on float32 examples, and draws its random
    numbers from `keras_gan.randomness.current_draws()`: they then depend on the seed, the step and
    the row of the global minibatch. Weights of the layer, for example a strength that adapts, are
    saved in checkpoints; `update` changes them. An attribute `strength`, a scalar, is in the logs.

    Attributes:
        reads_signs: True if `update` reads the signs of logits. Under a loss that ignores a
            constant added to D's output, they are then measured from the middle between the mean
            logits of data and samples, over the global minibatch.
        uses_batch_means: True if `update` needs whole minibatches, as all do that read signs;
            `GAN.compile(accumulate=...)`, which calls it for each part, is then refused.
    """

    reads_signs = False
    uses_batch_means = False

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def update(self, real: DiscriminatorOutput) -> None:
        """Called after each of D's updates on every replica, with D's output for the data."""

    def compute_output_shape(self, input_shape):
        """Returns the shape of the examples: Keras need not call the layer, and draw, for it."""
        return input_shape

    def call(self, examples: tf.Tensor) -> tf.Tensor:
        """Returns the examples as D receives them, `[n, ...]`."""
        raise NotImplementedError
