"""Learned approximate inference, q(z | x): which latents an example may come from (section 7).

The network is trained on samples, whose latents are known: it minimizes `-log q(z | G(z))`, while G
and D are trained or afterwards. `q` has the prior's support:

    Uniform      normal distributions cut off at the cube's faces, independent
    Normal       normal distributions, independent
    Mixture      likewise
    Spherical    a power spherical distribution (De Cao and Aziz 2020, arXiv:2006.04437)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from keras_gan import conditioning, priors
from keras_gan.conditioning import NO_CONDITION, ConditionTensors
from keras_gan.core import randomness
from keras_gan.core.errors import InputError
from keras_gan.training import sampling
from keras_gan.training.auxiliary import AuxiliaryNetwork, GeneratedBatch

if TYPE_CHECKING:
    from tensorflow_probability import distributions as tfd

_LEAST_SCALE = 1e-3


@keras.saving.register_keras_serializable("keras_gan")
class Inference(AuxiliaryNetwork):
    """An inference network for a GAN.

    Args:
        network: Keras model from examples `[n, ...]` on G's scale to `parameters(prior)` numbers,
            float `[n, parameters]`; its further inputs, if any, take a condition.
        prior: The prior of the latents.

    Raises:
        InputError: The network gives another number of parameters.
    """

    name = "inference"

    def __init__(self, network: keras.Model, prior: priors.Prior):
        super().__init__(network)
        self.prior = prior
        wanted = parameters(prior)
        if network.output_shape[1:] != (wanted,):
            raise InputError(
                f"an inference network for {prior} must give {wanted} numbers for each example. "
                f"Received: output shape {network.output_shape}"
            )

    def loss(self, batch: GeneratedBatch, training: bool) -> tf.Tensor:
        """Returns `-log q(z | G(z))`, float32 `[n]`, nats."""
        q = self.posterior(batch.examples, batch.condition, training)
        return -q.log_prob(batch.latents)

    def posterior(
        self,
        examples: tf.Tensor,
        condition: ConditionTensors = NO_CONDITION,
        training: bool = False,
    ) -> tfd.Distribution:
        """q(z | x) for each example: batch shape `[n]`, event shape `[dimension]`.

        Args:
            examples: float `[n, ...]` on G's scale.
            condition: Their condition, where the network sees one.
            training: As in Keras.
        """
        return posterior(self.prior, conditioning.call(self.network, examples, condition, training))

    def encode(self, examples: tf.Tensor, condition: ConditionTensors = NO_CONDITION) -> tf.Tensor:
        """The center of q(z | x), in the prior's support, float32 `[n, dimension]`."""
        return center(self.posterior(examples, condition))


def among(auxiliary_networks: Iterable[AuxiliaryNetwork]) -> Inference | None:
    """The inference network among a model's auxiliary networks, or None."""
    return next((c for c in auxiliary_networks if isinstance(c, Inference)), None)


def parameters(prior: priors.Prior) -> int:
    """How many numbers an inference network gives for each example."""
    return prior.dimension + (1 if isinstance(prior, priors.Spherical) else prior.dimension)


def posterior(prior: priors.Prior, numbers: tf.Tensor) -> tfd.Distribution:
    """The distribution over the prior's support that these numbers stand for.

    Args:
        prior: The prior.
        numbers: float `[n, parameters(prior)]`, any values.
    """
    from tensorflow_probability import distributions as tfd

    numbers = tf.cast(numbers, tf.float32)
    place, spread = numbers[:, : prior.dimension], numbers[:, prior.dimension :]
    if isinstance(prior, priors.Spherical):
        direction = tf.math.l2_normalize(place, axis=-1, epsilon=1e-30)
        return tfd.PowerSpherical(direction, tf.nn.softplus(spread[:, 0]) + _LEAST_SCALE)
    scale = tf.nn.softplus(spread) + _LEAST_SCALE
    if isinstance(prior, (priors.Normal, priors.Mixture)):
        return tfd.Independent(tfd.Normal(place, scale), 1)
    if isinstance(prior, priors.Uniform):
        # Its mode stays within the cube, else its mass there could vanish.
        edge = prior.HALF_WIDTH
        cut = tfd.TruncatedNormal(edge * tf.tanh(place), scale, -edge, edge)
        return tfd.Independent(cut, 1)
    raise InputError(f"there is no inference for {prior!r}; use one of {', '.join(priors.NAMES)}")


def center(q: tfd.Distribution) -> tf.Tensor:
    """The mean of q, or the mean direction on a sphere, `[n, dimension]`."""
    return q.mean_direction if hasattr(q, "mean_direction") else q.mean()


def jacobian_gram(
    generator: keras.Model, latents: tf.Tensor, condition: ConditionTensors = NO_CONDITION
) -> np.ndarray:
    """`E[J^T J]` of the generator over latents `[n, d]`: which directions it uses, `[d, d]`."""
    noise = tf.constant(randomness.row_seeds(0, len(latents)))

    @tf.function(autograph=False)
    def gram(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            samples = sampling.transform(generator, z, noise, condition)
            flat = tf.reshape(samples, [z.shape[0], -1])
        jacobian = tape.batch_jacobian(flat, z)
        return tf.einsum("nij,nik->jk", jacobian, jacobian) / z.shape[0]

    return gram(tf.constant(latents, tf.float32)).numpy()


def refine(
    generator: keras.Model,
    prior: priors.Prior,
    examples: np.ndarray,
    latents: np.ndarray,
    condition: Mapping[str, ArrayLike] = NO_CONDITION,
    *,
    steps: int = 100,
    learning_rate: float = 0.05,
) -> np.ndarray:
    """Latents nearer to the examples: Adam steps on each one's squared error, in the support.

    Noise inside of G, if there is any, is the same in all steps.

    Args:
        generator: The network; it is not changed.
        prior: Its prior, whose support is never left.
        examples: float `[n, ...]` on G's scale.
        latents: Where to start, `[n, dimension]`; outside of the support, at its nearest point.
        condition: Their condition, where the generator sees one: of classes `{"condition": [n]}`.
        steps: Number of steps.
        learning_rate: Of Adam.

    Returns:
        float32 `[n, dimension]`: of each row the best latents met, so never worse than the start.
    """
    tensors = {name: tf.convert_to_tensor(rows) for name, rows in condition.items()}
    z = keras.Variable(prior.project(tf.constant(latents, tf.float32)), name="latents")
    noise = tf.constant(randomness.row_seeds(0, len(latents)))
    best = tf.Variable(z.value)
    least = tf.Variable(tf.fill([len(latents)], np.float32(np.inf)))
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build([z])

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            samples = sampling.transform(generator, z.value, noise, tensors)
            square = tf.square(samples - examples)
            errors = tf.reduce_sum(square, axis=range(1, square.shape.rank))
        better = errors < least
        best.assign(tf.where(better[:, None], z.value, best))
        least.assign(tf.minimum(errors, least))
        optimizer.apply([tape.gradient(errors, z.value)], [z])
        z.assign(prior.project(z.value))

    for _ in range(steps + 1):
        step()
    return best.numpy()
