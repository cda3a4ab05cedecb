"""Algorithm 1 of the paper, and the simultaneous rule of its released code.

A rule makes one step on one replica. `step` (a `StepContext`) holds the step's data and draws its
random numbers. Shapes: m examples `[m, ...]` of a minibatch on this replica, d latent dimensions.
Gradients are summed over replicas, so that a step means the same on any number of them. They are
taken in functions of a step and the number j of a minibatch, which may get a part of its m rows.
"""

from __future__ import annotations

import contextlib

import tensorflow as tf

from keras_gan.core.errors import InputError
from keras_gan.core.keras_private import noting_unseeded_draws
from keras_gan.training.auxiliary import train_auxiliary_networks
from keras_gan.training.context import Gradients, Logs, StepContext, mean_logs
from keras_gan.training.penalties import (
    discriminate_both,
    discriminator_penalties,
    generator_penalties,
)


def alternating(step: StepContext) -> Logs:
    """Algorithm 1: k updates of D, each on its own data and noise, then one of G on new noise."""
    gan, k, logs = step.gan, step.k, []

    def of_discriminator(step: StepContext, j: int) -> tuple[Gradients, Logs]:
        z = step.latents(j)  # m noise vectors z ~ p_z, [m, d]
        x = step.data(j)  # m examples x ~ p_data, [m, ...]
        with step.unchanged(gan.generator):
            samples = step.generate(z, j)  # G(z), [m, ...]
        with tf.GradientTape() as tape:
            real, fake = discriminate_both(step, x, samples, j)  # D(x) and D(G(z)), as logits [m]
            losses = step.discriminator_losses(real, fake, j)  # [m]; by default minus equation (1)
            penalty, penalty_logs = discriminator_penalties(step, real, fake, samples, j)
            loss = step.discriminator_mean(losses) + penalty
        gradients = step.gradients(tape, loss, gan.discriminator, gan.discriminator_optimizer)
        return gradients, {**step.discriminator_logs(real, fake, losses), **penalty_logs}

    def of_generator(step: StepContext, j: int) -> tuple[Gradients, Logs]:
        z = step.latents(j)  # m new noise vectors
        with tf.GradientTape() as tape:
            samples = step.generate(z, j)
            with step.unchanged(gan.discriminator):
                real = step.real_for_generator(j)  # for losses that compare with data
                fake = step.discriminate_fake(samples, j)
            losses = step.generator_losses(real, fake)  # [m]; by default -log D(G(z))
            loss = step.generator_mean(losses, samples) + generator_penalties(step, samples, j)
        gradients = step.gradients(tape, loss, gan.generator, gan.generator_optimizer)
        return gradients, step.generator_logs(losses)

    for j in range(k):
        gradients, d_logs = step.mean_of_parts(of_discriminator, j)
        step.apply(gan.discriminator_optimizer, gradients, gan.discriminator)
        logs.append(d_logs)
    gradients, g_logs = step.mean_of_parts(of_generator, k)
    step.apply(gan.generator_optimizer, gradients, gan.generator)
    return {**mean_logs(logs), **g_logs}


def simultaneous(step: StepContext) -> Logs:
    """The released code: k - 1 updates of D, then D and G from one forward pass, both at once."""
    gan, k, logs = step.gan, step.k, []

    def of_both(step: StepContext, j: int) -> tuple[Gradients, Gradients, Logs, Logs]:
        both = j == k - 1  # the last minibatch updates G, too
        z, x = step.latents(j), step.data(j)  # [m, d], [m, ...]
        with tf.GradientTape(persistent=both) as tape:
            with contextlib.nullcontext() if both else step.unchanged(gan.generator):
                samples = step.generate(z, j)  # G(z), [m, ...]
            real, fake = discriminate_both(step, x, samples, j)  # D(x) and D(G(z)), as logits [m]
            d_losses = step.discriminator_losses(real, fake, j)  # [m]
            penalty, penalty_logs = discriminator_penalties(step, real, fake, samples, j)
            d_loss = step.discriminator_mean(d_losses) + penalty
            if both:
                g_losses = step.generator_losses(step.declared(real), fake)  # [m]
                g_loss = step.generator_mean(g_losses, samples)
                g_loss += generator_penalties(step, samples, j)
        d_gradients = step.gradients(tape, d_loss, gan.discriminator, gan.discriminator_optimizer)
        d_logs = {**step.discriminator_logs(real, fake, d_losses), **penalty_logs}
        if not both:
            return d_gradients, [], d_logs, {}
        # Both gradients at the same weights, before either network moves.
        g_gradients = step.gradients(tape, g_loss, gan.generator, gan.generator_optimizer)
        return d_gradients, g_gradients, d_logs, step.generator_logs(g_losses)

    for j in range(k):
        d_gradients, g_gradients, d_logs, g_logs = step.mean_of_parts(of_both, j)
        step.apply(gan.discriminator_optimizer, d_gradients, gan.discriminator)
        logs.append(d_logs)
    step.apply(gan.generator_optimizer, g_gradients, gan.generator)
    return {**mean_logs(logs), **g_logs}


def fixed(step: StepContext) -> Logs:
    """Neither network moves: D and G are evaluated on each minibatch, for auxiliary networks."""
    gan = step.gan

    def logs_of(step: StepContext, j: int) -> Logs:
        with step.unchanged(gan.generator, gan.discriminator):
            samples = step.generate(step.latents(j), j)
            real = step.discriminate_real(step.data(j), j)
            fake = step.discriminate_fake(samples, j)
            d_losses = step.discriminator_losses(real, fake, j)
            g_losses = step.generator_losses(step.declared(real), fake)
        d_logs = step.discriminator_logs(real, fake, d_losses)
        return {**d_logs, **step.generator_logs(g_losses)}

    return mean_logs([step.mean_of_parts(logs_of, j) for j in range(step.k)])


RULES = {"alternating": alternating, "simultaneous": simultaneous, "fixed": fixed}


def make(step: StepContext) -> Logs:
    """Makes a step by the model's rule, and one of each auxiliary network.

    Raises:
        InputError: A random number belongs to no step, and so to no checkpoint.
    """
    with noting_unseeded_draws() as unseeded:
        logs = {**RULES[step.gan.update](step), **train_auxiliary_networks(step)}
    if unseeded.used or _draws_by_tensorflow():
        raise InputError(
            "a layer, loss, regularizer, augmentation or metric draws by keras.random without a "
            "seed, or by tf.random: no checkpoint has these numbers. Draw by "
            "keras_gan.randomness.current_draws(), or by keras.random in a layer or metric with "
            "`seed=self.seed_generator`, a keras.random.SeedGenerator that it makes in its "
            "constructor"
        )
    return logs


def _draws_by_tensorflow() -> bool:
    """Whether the graph of the step has operations that draw by a state of TensorFlow's."""
    if tf.executing_eagerly():
        return False
    graph = tf.compat.v1.get_default_graph().as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    return any("seed2" in node.attr or node.op == "RngReadAndSkip" for node in nodes)
