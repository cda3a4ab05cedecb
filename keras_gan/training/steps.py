"""Algorithm 1 of the paper, and the simultaneous rule of its released code.

A rule makes one step on one replica. `step` (a `StepContext`) holds the step's data and draws its
random numbers. Shapes: m examples `[m, ...]` of a minibatch on this replica, d latent dimensions.
Gradients are summed over replicas, so that a step means the same on any number of them.
"""

from __future__ import annotations

import contextlib

import tensorflow as tf

from keras_gan.training.context import Logs, StepContext, mean_logs
from keras_gan.training.penalties import (
    discriminate_both,
    discriminator_penalties,
    generator_penalties,
)


def alternating(step: StepContext) -> Logs:
    """Algorithm 1: k updates of D, each on its own data and noise, then one of G on new noise."""
    gan, k, logs = step.gan, step.k, []
    for j in range(k):
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
        step.apply(gan.discriminator_optimizer, gradients, gan.discriminator)
        logs.append({**step.discriminator_logs(real, fake, losses), **penalty_logs})

    z = step.latents(k)  # m new noise vectors
    with tf.GradientTape() as tape:
        samples = step.generate(z, k)
        with step.unchanged(gan.discriminator):
            real = step.real_for_generator(k)  # for losses that compare with data
            fake = step.discriminate_fake(samples, k)
        losses = gan.loss.generator(real, fake)  # [m]; by default -log D(G(z))
        loss = step.generator_mean(losses) + generator_penalties(step, samples, k)
    gradients = step.gradients(tape, loss, gan.generator, gan.generator_optimizer)
    step.apply(gan.generator_optimizer, gradients, gan.generator)
    return {**mean_logs(logs), **step.generator_logs(losses)}


def simultaneous(step: StepContext) -> Logs:
    """The released code: k - 1 updates of D, then D and G from one forward pass, both at once."""
    gan, k, logs = step.gan, step.k, []
    for j in range(k):
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
                g_losses = gan.loss.generator(step.declared(real), fake)  # [m]
                g_loss = step.generator_mean(g_losses) + generator_penalties(step, samples, j)
        d_gradients = step.gradients(tape, d_loss, gan.discriminator, gan.discriminator_optimizer)
        if both:  # both gradients at the same weights, before either network moves
            g_gradients = step.gradients(tape, g_loss, gan.generator, gan.generator_optimizer)
        step.apply(gan.discriminator_optimizer, d_gradients, gan.discriminator)
        logs.append({**step.discriminator_logs(real, fake, d_losses), **penalty_logs})
    step.apply(gan.generator_optimizer, g_gradients, gan.generator)
    return {**mean_logs(logs), **step.generator_logs(g_losses)}


def fixed(step: StepContext) -> Logs:
    """Neither network moves: D and G are evaluated on each minibatch, for auxiliary networks."""
    gan, logs = step.gan, []
    for j in range(step.k):
        with step.unchanged(gan.generator, gan.discriminator):
            samples = step.generate(step.latents(j), j)
            real = step.discriminate_real(step.data(j), j)
            fake = step.discriminate_fake(samples, j)
        d_losses = step.discriminator_losses(real, fake, j)
        g_losses = gan.loss.generator(step.declared(real), fake)
        d_logs = step.discriminator_logs(real, fake, d_losses)
        logs.append({**d_logs, **step.generator_logs(g_losses)})
    return mean_logs(logs)


RULES = {"alternating": alternating, "simultaneous": simultaneous, "fixed": fixed}
