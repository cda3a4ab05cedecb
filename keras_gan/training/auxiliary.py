"""Networks that are trained on generated examples next to the GAN, each by its own optimizer.

An auxiliary network does not influence G and D. It is trained while they are, or after them
(`compile(update="fixed")`).
"""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core import randomness
from keras_gan.core.batches import GeneratedBatch
from keras_gan.core.configured import Configured
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import Purpose
from keras_gan.training.context import Gradients, Logs, StepContext


class AuxiliaryNetwork(Configured):
    """Base of the auxiliary networks.

    `keras.Variable`s and Keras's seed generators that are attributes are saved with the model.

    Args:
        network: The Keras model that is trained.

    Attributes:
        name: Its name in the logs ("<name>_loss"), different for each of a GAN's.
    """

    name: str

    def __init__(self, network: keras.Model):
        self.network = network

    def check(self) -> None:
        """Raises InputError unless it has a name and a network."""
        kinds = (("name", str, "str"), ("network", keras.layers.Layer, "keras.Model"))
        for attribute, kind, wanted in kinds:
            value = getattr(self, attribute, None)
            if not isinstance(value, kind):
                raise InputError(
                    f"the attribute `{attribute}` of {type(self).__name__} must be a {wanted}. "
                    f"Received: {value!r}"
                )

    def loss(self, batch: GeneratedBatch, training: bool) -> tf.Tensor:
        """Returns the network's loss for each generated example, float32 `[n]`."""
        raise NotImplementedError


def train_auxiliary_networks(step: StepContext) -> Logs:
    """One update of each, on examples of its own, generated as `GAN.generate` does."""
    gan, logs = step.gan, Logs()

    def of_network(step: StepContext, j: int) -> tuple[Gradients, tf.Tensor]:
        auxiliary, optimizer = gan.auxiliary_networks[j], gan.auxiliary_optimizers[j]
        latents = step.latents(j, Purpose.AUXILIARY_LATENTS)
        with step.unchanged(gan.generator):
            batch = step.generate(latents, j, Purpose.AUXILIARY_GENERATOR, training=False)
        with tf.GradientTape() as tape:
            with randomness.drawing_from(step.draws(j, Purpose.AUXILIARY_NETWORK)):
                losses = auxiliary.loss(batch, training=True)
            mean = step.mean(losses, f"{type(auxiliary).__name__}.loss")
            loss = mean + step.layer_losses(auxiliary.network) / step.replicas
        gradients = step.gradients(tape, loss, auxiliary.network, optimizer)
        return gradients, tf.reduce_mean(losses)

    for j, auxiliary in enumerate(gan.auxiliary_networks):
        gradients, loss = step.mean_of_parts(of_network, j)
        step.apply(gan.auxiliary_optimizers[j], gradients, auxiliary.network)
        logs[f"{auxiliary.name}_loss"] = loss
    return logs
