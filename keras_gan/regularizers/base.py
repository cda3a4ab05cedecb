"""The base class of regularizers, and the gradients that some of them read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras
import tensorflow as tf

from keras_gan.core.arguments import is_number, weight, whole
from keras_gan.core.batches import ConditionTensors, DiscriminatorOutput, GeneratedBatch
from keras_gan.core.configured import Configured
from keras_gan.core.errors import InputError
from keras_gan.optimizers.schedules import ImageSchedule

Generate = Callable[[tf.Tensor], GeneratedBatch]
Weight = float | ImageSchedule


class Discriminate(Protocol):
    """D with augmentation, as a regularizer calls it."""

    def __call__(
        self,
        examples: tf.Tensor,
        condition: ConditionTensors = ...,
        *,
        input_gradients: bool = ...,
    ) -> DiscriminatorOutput:
        """Returns D's output for examples `[n, ...]` before augmentation.

        Args:
            examples: float `[n, ...]`.
            condition: Their condition.
            input_gradients: Whether the output has `input_gradients`.
        """


class Regularizer(Configured):
    """A term that D minimizes in addition to its loss. `compile(regularizers=[...])` takes them.

    Random numbers come from `keras_gan.randomness.current_draws()`.

    Args:
        every: The term is computed in one of so many of D's updates and counts that many times
            (Karras et al. 2020, arXiv:1912.04958, "lazy regularization"). It saves most of the
            penalty's time. The cost: in between nothing holds D back, and on small problems, such
            as Gaussians in the plane or stacked MNIST, training can fail to converge altogether
            (Huang et al. 2024, arXiv:2501.05441). Prefer 1 unless you have measured it.

    Attributes:
        name: Its name in the logs.
        input_gradients: Of which outputs ("real", "fake") it reads `input_gradients`. They are
            taken in the same pass as the loss, all in one backward pass. A D that mixes the
            examples of a batch is then refused.
        per_example: True if it takes the gradient of each example in passes of its own. Such a D
            is then refused, too.
        uses_generator: True if `penalty` gets `generate` and `samples`, too, and
            `generator_penalty` is called.
        uses_batch_means: True if it uses `global_mean` or its like, or changes its state in each
            pass; `GAN.compile(accumulate=...)` is then refused.
        variables: Its state, saved as that of a `Loss`; made by `build`.
    """

    name: str = "regularizer"
    every: int = 1
    input_gradients: tuple[str, ...] = ()
    per_example = False
    uses_generator = False
    uses_batch_means = False
    variables: Sequence[keras.Variable] = ()

    def __init__(self, every: int = 1):
        self.every = whole("every", every)

    def build(self) -> None:
        """Makes the state, in the scope of the strategy; called by `compile`."""

    def penalty(
        self, discriminate: Discriminate, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> tf.Tensor:
        """Returns the term for each row, float32 `[n]`.

        With `uses_generator` there are two more arguments: `generate`, G as a function of latents
        under the samples' condition, and `samples`, the `GeneratedBatch` of `fake`.

        A regularizer with a term for G alone leaves it out.

        Args:
            discriminate: D with augmentation, for further passes.
            real: D's output for the data.
            fake: D's output for generated examples.
        """
        raise NotImplementedError

    def generator_penalty(self, generate: Generate, samples: GeneratedBatch) -> tf.Tensor:
        """Returns a term that G minimizes in addition to its loss, float32 `[n]`."""
        raise NotImplementedError


def with_input_gradients(
    discriminate: Callable[..., list[DiscriminatorOutput]], *inputs: tf.Tensor, scale: Any = 1.0
) -> list[DiscriminatorOutput]:
    """D's outputs with the gradients of their logits, all in one backward pass.

    Args:
        discriminate: From one or several tensors of examples to a list of as many outputs. No
            logit may depend on another row, but within groups of `MinibatchStd`, whose logits are
            then summed.
        *inputs: The examples, float `[n, ...]`.
        scale: The logits are multiplied by it before the gradients are taken, and the gradients
            are divided by it afterwards, because float16 gradients may underflow.

    Returns:
        The outputs, with `input_gradients`: that of each logit with respect to its example,
        float32 `[n, ...]`.

    Raises:
        InputError: No gradient reaches the examples.

    Example:
        >>> with tf.GradientTape() as tape:
        ...     [real] = with_input_gradients(lambda x: [DiscriminatorOutput(critic(x)[:, 0])], x)
        ...     penalty = tf.reduce_mean(squared_norm(real.input_gradients))
        >>> gradients = tape.gradient(penalty, critic.trainable_variables)
    """
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = discriminate(*inputs)
        total = scale * tf.add_n([tf.reduce_sum(output.logits) for output in outputs])
    gradients = tape.gradient(total, inputs)
    if any(gradient is None for gradient in gradients):
        raise InputError(
            "no gradient of D's output reaches the examples: compute it from the arguments of "
            "`discriminate`, with operations that have a gradient"
        )
    return [
        output._replace(input_gradients=tf.cast(gradient, tf.float32) / scale)
        for output, gradient in zip(outputs, gradients, strict=True)
    ]


def check_weight(name: str, value: Weight) -> Weight:
    """The value of an argument that is a weight, checked: a finite number >= 0, or a schedule."""
    if isinstance(value, ImageSchedule):
        return value
    if not is_number(value):
        raise InputError(
            f"`{name}` must be a finite number >= 0 or a schedule of images, such as "
            f"keras_gan.optimizers.schedules.Linear. Received: {value!r}"
        )
    return weight(name, value)
