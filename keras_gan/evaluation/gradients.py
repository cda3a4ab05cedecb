"""How the generator learns: through the gradient of D, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from keras_gan import losses
from keras_gan.core.errors import InputError

Discriminator = Callable[[tf.Tensor], tf.Tensor | Mapping[str, tf.Tensor]]
Objective = Callable[..., tf.Tensor]  # such as losses.minimax_generator


def generator_gradient_norm(
    generator: keras.Model,
    discriminator: Discriminator,
    latents: ArrayLike,
    objective: Objective,
    *,
    through_discriminator: bool = True,
) -> float:
    """Euclidean norm of the gradient that G descends, over all of its trainable weights.

    It is 0 where D is flat, as at the equilibrium (`D = 1/2` everywhere), under both objectives.
    And it is exactly 0 with `through_discriminator=False`, where `G(z)` is handed to D as a
    constant: G learns through D alone.

    Args:
        generator: G, from latents to examples.
        discriminator: D, from examples to logits `[n]` or `[n, 1]`, or to a dict with "logits".
        latents: Float `[n, dimension]`.
        objective: A loss of G that takes `fake_logits=`, per example.
        through_discriminator: False blocks `dD/dx`.

    Returns:
        The norm, in units of the objective per unit of weight.
    """
    with tf.GradientTape() as tape:
        examples = generator(tf.convert_to_tensor(latents), training=False)
        if not through_discriminator:
            examples = tf.stop_gradient(examples)
        logits = tf.reshape(_logits(discriminator(examples)), [-1])
        loss = tf.reduce_mean(objective(fake_logits=logits))
    gradients = tape.gradient(loss, generator.trainable_variables)
    connected = [gradient for gradient in gradients if gradient is not None]
    return float(tf.linalg.global_norm(connected)) if connected else 0.0


@dataclass(frozen=True)
class Saturation:
    """The norm of G's gradient against how sure D is.

    Attributes:
        probabilities: `D(G(z))`, `[p]`.
        minimax: Norm under `log(1 - D(G(z)))`: proportional to `D(G(z))`, so it vanishes where D
            is sure.
        non_saturating: Norm under `-log D(G(z))`: proportional to `1 - D(G(z))`, so it does not.
    """

    probabilities: np.ndarray
    minimax: np.ndarray
    non_saturating: np.ndarray


def saturation(
    generator: keras.Model,
    discriminator: Discriminator,
    latents: ArrayLike,
    probabilities: ArrayLike,
) -> Saturation:
    """Measures both objectives' gradients for one verdict of D after the other.

    D's logits are shifted, example by example, so that D says `probabilities[i]` of all of them;
    the slope of the logit with respect to the example stays D's own. The non-saturating gradient
    is `(1 - D) / D` times the minimax one: a million times at `D(G(z)) = 1e-6`, and equal at 1/2.

    Args:
        generator: G, from latents to examples.
        discriminator: D, as there.
        latents: Float `[n, dimension]`.
        probabilities: Verdicts `D(G(z))`, each in (0, 1), `[p]`.

    Returns:
        Both norms for each verdict.

    Raises:
        InputError: For a verdict outside (0, 1).
    """
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 1 or not np.all((probabilities > 0) & (probabilities < 1)):
        raise InputError(
            f"`probabilities` must be a list of numbers in (0, 1); received {probabilities}"
        )

    def norm(probability: float, objective: Objective) -> float:
        verdict = float(np.log(probability) - np.log1p(-probability))

        def moved(examples: tf.Tensor) -> tf.Tensor:
            logits = _logits(discriminator(examples))
            return logits - tf.stop_gradient(logits) + verdict

        return generator_gradient_norm(generator, moved, latents, objective)

    return Saturation(
        probabilities,
        np.array([norm(p, losses.minimax_generator) for p in probabilities]),
        np.array([norm(p, losses.non_saturating_generator) for p in probabilities]),
    )


def smoothed_gradient(
    function: Callable[[np.ndarray], ArrayLike], x: ArrayLike, sigma: float, *, order: int = 20
) -> np.ndarray:
    """`grad_x E[f(x + e)]` with `e ~ N(0, sigma^2 I)`, from values of f alone.

    Backpropagation through a generative process rests on its limit (section 4):

        lim_{sigma -> 0} grad_x E f(x + e) = grad_x f(x)

    Stein's identity gives the left side without a derivative, `E[f(x + e) e] / sigma^2`; the
    expectation is a Gauss-Hermite product rule, exact for polynomials up to degree `2 order - 2`.

    Args:
        function: f, from points `[n, d]` to numbers `[n]`.
        x: The point, `[d]`, with d at most 4.
        sigma: Standard deviation of the noise, > 0. In double precision the result carries a
            rounding error of about `1e-16 |f| / sigma`.
        order: Nodes in each dimension; `order ** d` evaluations of f.

    Returns:
        float64 `[d]`.

    Raises:
        InputError: For `sigma <= 0`, more than 4 dimensions or a function that gives another shape.
    """
    x = np.asarray(x, np.float64)
    if x.ndim != 1 or not 1 <= x.size <= 4:
        raise InputError(f"`x` must be one point of 1 to 4 dimensions; received shape {x.shape}")
    if not sigma > 0:
        raise InputError(f"`sigma` must be > 0; received {sigma}")
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    noise = np.stack(np.meshgrid(*[nodes] * x.size, indexing="ij"), axis=-1).reshape(-1, x.size)
    chance = np.prod(np.stack(np.meshgrid(*[weights] * x.size, indexing="ij"), axis=-1), axis=-1)
    values = np.asarray(function(x + sigma * noise), np.float64)
    if values.shape != (len(noise),):
        raise InputError(
            f"`function` must turn points [{len(noise)}, {x.size}] into numbers [{len(noise)}]; "
            f"it gave shape {values.shape}"
        )
    # f(x) has no share in the expectation; without it the division by sigma loses fewer digits.
    values = values - np.asarray(function(x[None, :]), np.float64)
    return (chance.reshape(-1) * values) @ noise / sigma


def _logits(output: tf.Tensor | Mapping[str, tf.Tensor]) -> tf.Tensor:
    return output["logits"] if isinstance(output, Mapping) else output
