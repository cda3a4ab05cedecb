"""The base class of losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_gan.core import randomness
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.configured import Configured
from keras_gan.core.errors import InputError
from keras_gan.core.replicas import global_mean


class Loss(Configured):
    """The losses of both networks, to be subclassed.

    Both methods receive float32 tensors and return one number for each row. The mean over the
    global minibatch is taken by the step. A loss that is not a sum over examples takes its own
    means with `global_mean`, or all rows with `global_rows`. Random numbers come from
    `keras_gan.randomness.current_draws()`.

    Attributes:
        generator_uses_real: True if `generator` reads `real`; D then sees a minibatch of data in
            the generator's step, too.
        uses_labels: True if a method reads `real.labels`; `fit` then asks for labels. Otherwise
            labels in the data cause a warning.
        updates_may_overlap: True if the gradient of every weight depends on that weight, as with
            softplus losses. An update may then overlap with the rest of the backward pass; else it
            waits for all gradients. It is not inherited: a loss linear in D's output needs False.
        ignores_constants: True if a constant added to D's output changes nothing, so that the sign
            of a logit means nothing.
        boundary: The logit of what D takes for data and for a sample with equal probability: 0, and
            1/2 for least squares; less with label smoothing.
        gives_probabilities: True if D(x) = sigmoid(logit) is 1/2 where D cannot tell data and
            samples apart, so without label smoothing; the curves of a report then show 1/2.
        uses_batch_means: True if a method uses `global_mean` or `global_rows`;
            `GAN.compile(accumulate=...)` is then refused.
        requires: Further outputs of D next to "logits" ("features", "classes", or names of your
            own, in `real.outputs`), or tensors of the condition.
        variables: Its state, `keras.Variable`s that are saved with the model. Variables, Keras's
            seed generators and networks that are attributes of it are saved as well; nothing trains
            these networks; layers of G and D are refused. `evaluate` leaves the state as it is.
    """

    generator_uses_real = False
    uses_labels = False
    updates_may_overlap = False
    ignores_constants = False
    boundary = 0.0
    gives_probabilities = False
    uses_batch_means = False
    requires: tuple[str, ...] = ()
    variables: Sequence[keras.Variable] = ()

    def check(self, discriminator_outputs: Mapping[str, tuple], condition: Any) -> None:
        """Raises InputError where the loss cannot be used; `requires` has been checked.

        Args:
            discriminator_outputs: The shapes of D's outputs by name, such as `(None, 1)`.
            condition: The model's condition, or None.
        """

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns D's loss for each pair of a real and a generated example, float32 `[n]`."""
        raise NotImplementedError

    def generator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """Returns G's loss for each generated example, float32 `[n]`."""
        raise NotImplementedError


class NoRealOutput:
    """Stands for `real` in the step of a generator whose loss does not declare that it reads it.

    Args:
        loss: The loss.
    """

    def __init__(self, loss: Any):
        self._loss = type(loss).__name__

    def __getattr__(self, name: str):
        raise InputError(
            f"the loss {self._loss} reads `real.{name}` in the generator's step; set the class "
            "attribute `generator_uses_real = True`"
        )


def check_shape(values: Any, rows: int | None, name: str) -> None:
    """Refuses what a loss returned unless it is one number for each row.

    Args:
        values: The values that it returned.
        rows: Number of rows, or None if it is not known before the step.
        name: Its name in the message.

    Raises:
        InputError: It is not a tensor of shape `[rows]`.
    """
    shape = getattr(values, "shape", None)
    if shape is None or shape.rank != 1 or (rows is not None and shape[0] not in (rows, None)):
        received = repr(values) if shape is None else f"shape {tuple(shape)}"
        column = shape is not None and shape.rank == 2 and shape[1] == 1
        advice = "of shape [n]: take `[:, 0]`" if column else "without taking their mean"
        raise InputError(
            f"{name} must return one number for each of the {rows or 'n'} rows, {advice}. "
            f"Received: {received}"
        )


def exchange_labels(
    real: DiscriminatorOutput, fake: DiscriminatorOutput, probability: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Logits of data and samples as D gets them under noisy labels.

    Args:
        real: D's output for data.
        fake: D's output for samples.
        probability: Of each pair, that its two labels are exchanged, in [0, 1). Drawn in a step of
            a `GAN`, or in `keras_gan.randomness.drawing_from`.

    Returns:
        The logits of what counts as data, and of what counts as samples, float32 `[n]` each.
    """
    if not probability:
        return real.logits, fake.logits
    bits = randomness.required_draws("`label_noise`").bits([1])
    exchanged = randomness.uniform(bits)[:, 0] < probability
    return (
        tf.where(exchanged, fake.logits, real.logits),
        tf.where(exchanged, real.logits, fake.logits),
    )


def class_entropy(output: DiscriminatorOutput, classes: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of known classes, float `[n]`; 0 where the class is -1."""
    classes = tf.cast(classes, tf.int64)
    known = classes >= 0
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.where(known, classes, 0), output.classes
    )
    return tf.where(known, entropy, 0.0)


def balanced(rows: tf.Tensor) -> tf.Tensor:
    """Weights by which a mean over all rows is one over these, float32 `[n]`; 0 if no row counts.

    Args:
        rows: Which rows count, bool `[n]`.
    """
    chosen = tf.cast(rows, tf.float32)
    return tf.math.divide_no_nan(chosen, global_mean(chosen))
