"""The terms of regularizers in the losses of a step."""

from __future__ import annotations

import contextlib
from typing import Any

import tensorflow as tf

from keras_gan import conditioning
from keras_gan.core import randomness
from keras_gan.core.batches import (
    NO_CONDITION,
    ConditionTensors,
    DiscriminatorOutput,
    GeneratedBatch,
)
from keras_gan.core.randomness import Purpose
from keras_gan.regularizers import Regularizer, with_input_gradients
from keras_gan.training.context import Logs, StepContext
from keras_gan.training.discriminate import discriminate

Outputs = tuple[DiscriminatorOutput, DiscriminatorOutput]  # D(x) and D(G(z))


def discriminate_both(
    step: StepContext,
    examples: tf.Tensor,
    samples: GeneratedBatch,
    j: int,
    readers: list | None = None,
) -> Outputs:
    """D(x) and D(G(z)) in D's own update, with the gradients that some regularizers read.

    Without `readers`, those of every update.
    """
    if readers is None:
        readers = [r for r in step.gan.regularizers if r.every == 1]
    inputs = {"real": examples, "fake": samples.examples}
    passes = {
        "real": lambda: step.discriminate_real(examples, j),
        "fake": lambda: step.discriminate_fake(samples, j),
    }
    read = [kind for kind in passes if any(kind in r.input_gradients for r in readers)]
    outputs = {kind: call() for kind, call in passes.items() if kind not in read}
    if read:
        with_gradients = with_input_gradients(
            lambda *_: [passes[kind]() for kind in read],
            *(inputs[kind] for kind in read),
            scale=_scale(step),
        )
        outputs.update(zip(read, with_gradients, strict=True))
    return outputs["real"], outputs["fake"]


def discriminator_penalties(
    step: StepContext,
    real: DiscriminatorOutput,
    fake: DiscriminatorOutput,
    samples: GeneratedBatch,
    j: int,
) -> tuple[tf.Tensor, Logs]:
    """This replica's part of what D's layers and regularizers add to its loss, and logs."""
    gan, logs = step.gan, {}
    weights = [v for v in gan.discriminator.trainable_variables if v.regularizer]
    # Both passes report the losses on weights, which count once.
    on_weights = sum(tf.cast(weight.regularizer(weight), tf.float32) for weight in weights)
    total = (real.layer_losses - on_weights + fake.layer_losses) / step.replicas
    with randomness.drawing_from(step.draws(j, Purpose.REGULARIZER)):
        for regularizer in gan.regularizers:
            values = _penalty(step, regularizer, real, fake, samples, j)
            total += step.mean(values, f"{type(regularizer).__name__}.penalty")
            logs[regularizer.name] = tf.reduce_mean(values)
    return total, logs


def _penalty(
    step: StepContext,
    regularizer: Regularizer,
    real: DiscriminatorOutput,
    fake: DiscriminatorOutput,
    samples: GeneratedBatch,
    j: int,
) -> tf.Tensor:
    """A regularizer's term for each row; one that is not due costs nothing."""
    if type(regularizer).penalty is Regularizer.penalty:  # it has a term for G alone
        return tf.zeros([step.rows])
    again = _discriminate_again(step)
    of_generator: tuple = ()
    if regularizer.uses_generator:
        of_generator = (_generate_again(step, samples, j, updated=False), samples)
    every = regularizer.every
    if every == 1:
        return regularizer.penalty(again, real, fake, *of_generator)

    def due() -> tf.Tensor:
        outputs = real, fake
        if regularizer.input_gradients:
            examples = tf.identity(real.examples)
            copies = samples._replace(examples=tf.identity(samples.examples))
            outputs = discriminate_both(step, examples, copies, j, [regularizer])
        return every * regularizer.penalty(again, *outputs, *of_generator)

    update = step.number * step.k + j
    return tf.cond(update % every == 0, due, lambda: tf.zeros([step.rows]))


def generator_penalties(step: StepContext, samples: GeneratedBatch, j: int) -> tf.Tensor | float:
    """This replica's part of what regularizers add to G's loss."""
    total: tf.Tensor | float = 0.0
    with randomness.drawing_from(step.draws(j, Purpose.REGULARIZER)):
        for regularizer in step.gan.regularizers:
            if regularizer.uses_generator:
                generate = _generate_again(step, samples, j, updated=True)
                values = regularizer.generator_penalty(generate, samples)
                total += step.mean(values, f"{type(regularizer).__name__}.generator_penalty")
    return total


def _discriminate_again(step: StepContext) -> Any:
    """D with augmentation as a regularizer calls it; draws from what is current."""

    def call(
        examples: tf.Tensor,
        condition: ConditionTensors = NO_CONDITION,
        *,
        input_gradients: bool = False,
    ) -> DiscriminatorOutput:
        def pass_through(x: tf.Tensor) -> list[DiscriminatorOutput]:
            output = discriminate(step.gan.discriminator, step.augment(x), condition, training=True)
            return [output._replace(examples=tf.cast(x, tf.float32))]

        if input_gradients:
            return with_input_gradients(pass_through, examples, scale=_scale(step))[0]
        return pass_through(examples)[0]

    return call


def _generate_again(step: StepContext, samples: GeneratedBatch, j: int, updated: bool) -> Any:
    """G of other latents, under the samples' condition and noise, as a regularizer calls it."""

    def call(latents: tf.Tensor) -> GeneratedBatch:
        generator = step.gan.generator
        # G's state changes in its own update only.
        with (
            contextlib.nullcontext() if updated else step.unchanged(generator),
            randomness.drawing_from(step.draws(j, Purpose.GENERATOR)),
        ):
            examples = conditioning.call(generator, latents, samples.condition, True)
        return samples._replace(latents=latents, examples=examples)

    return call


def _scale(step: StepContext) -> Any:
    return step.gan.discriminator_optimizer.scale_loss(1.0)
