"""G's gradient, and gradients of smoothed functions, for tests of what the paper says of them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def generator_gradient_norm(
    generator, discriminator, latents, objective, *, through_discriminator=True
) -> float:
    """Norm of the gradient of `objective(fake_logits=)` over G's weights.

    `discriminator` gives logits. `through_discriminator=False` hands it G(z) as a constant.
    """
    with tf.GradientTape() as tape:
        examples = generator(tf.convert_to_tensor(latents), training=False)
        if not through_discriminator:
            examples = tf.stop_gradient(examples)
        logits = tf.reshape(discriminator(examples), [-1])
        loss = tf.reduce_mean(objective(fake_logits=logits))
    gradients = tape.gradient(loss, generator.trainable_variables)
    connected = [gradient for gradient in gradients if gradient is not None]
    return float(tf.linalg.global_norm(connected)) if connected else 0.0


def at_probability(discriminator, probability):
    """D with its logits shifted, example by example, to this probability; its slope is D's own."""
    logit = float(np.log(probability) - np.log1p(-probability))

    def shifted(examples):
        logits = discriminator(examples)
        return logits - tf.stop_gradient(logits) + logit

    return shifted


def smoothed_gradient(function, x, sigma, order=20) -> np.ndarray:
    """`grad_x E[f(x + e)]`, `e ~ N(0, sigma^2 I)`, from values of f alone.

    Stein's identity, `E[f(x + e) e] / sigma^2`, by a Gauss-Hermite product rule: exact for
    polynomials up to degree `2 order - 2`.
    """
    x = np.asarray(x, np.float64)
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    noise = np.stack(np.meshgrid(*[nodes] * x.size, indexing="ij"), axis=-1).reshape(-1, x.size)
    chance = np.prod(np.stack(np.meshgrid(*[weights] * x.size, indexing="ij"), axis=-1), axis=-1)
    # f(x) has no share in the expectation; without it the division by sigma loses fewer digits.
    values = function(x + sigma * noise) - function(x[None, :])
    return (chance.reshape(-1) * values) @ noise / sigma
