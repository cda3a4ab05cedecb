"""The measurements of `GAN.evaluate` on one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_gan import conditioning
from keras_gan.core.batches import NO_CONDITION, ConditionTensors, GeneratedBatch
from keras_gan.core.randomness import Purpose, StepDraws, drawing_from
from keras_gan.losses import check_shape
from keras_gan.training.context import Logs, discriminator_logs
from keras_gan.training.discriminate import discriminate

if TYPE_CHECKING:
    from keras_gan.training.gan import GAN


def evaluation_logs(gan: GAN, x: tf.Tensor, labels: Any) -> Logs:
    """The means of what is reported over this replica's rows, both networks in inference mode.

    Args:
        gan: The model.
        x: Data, float `[n, ...]`.
        labels: Their labels, or None.
    """
    rows = tf.shape(x)[0]
    first_row = _first_row(rows)

    def draws(purpose: Purpose) -> StepDraws:
        return StepDraws(gan.seed, gan.evaluated.value, 0, purpose, first_row, rows)

    latents = gan.prior.draw(draws(Purpose.EVALUATION_LATENTS))
    for_real: ConditionTensors = NO_CONDITION
    for_generated: ConditionTensors = NO_CONDITION
    if gan.condition is not None:
        for_real = gan.condition.for_real(x, labels, draws(Purpose.EVALUATION_CONDITION))
        for_generated = gan.condition.for_generated(x, labels, draws(Purpose.EVALUATION_CONDITION))
    # Nothing but metrics is changed: the state of a loss, for example, is that of training.
    with keras.StatelessScope(), drawing_from(draws(Purpose.EVALUATION_GENERATOR)):
        examples = conditioning.call(gan.generator, latents, for_generated)
        real = discriminate(gan.discriminator, x, for_real)._replace(labels=labels)
        fake = discriminate(gan.discriminator, examples, for_generated)
        batch = GeneratedBatch(latents, examples, for_generated)
        auxiliary_logs = {
            f"{auxiliary.name}_loss": tf.reduce_mean(auxiliary.loss(batch, training=False))
            for auxiliary in gan.auxiliary_networks
        }
    with keras.StatelessScope(), drawing_from(draws(Purpose.LOSS)):
        losses = {
            "discriminator": gan.loss.discriminator(real, fake),
            "generator": gan.loss.generator(real, fake),
        }
    for metric in gan.running_means.user_metrics:
        metric.update_state(real, fake)
    for name, values in losses.items():
        check_shape(values, None, f"{type(gan.loss).__name__}.{name}")
    logs = discriminator_logs(real, fake, losses["discriminator"], gan.loss.boundary)
    return {**logs, "g_loss": tf.reduce_mean(losses["generator"]), **auxiliary_logs}


def _first_row(rows: tf.Tensor) -> tf.Tensor:
    """The place of this replica's first row in a batch that need not divide evenly."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return tf.constant(0)
    replica = tf.cast(context.replica_id_in_sync_group, tf.int32)
    mine = tf.one_hot(replica, context.num_replicas_in_sync, dtype=tf.int32) * rows
    shares = context.all_reduce(tf.distribute.ReduceOp.SUM, mine)
    return tf.math.cumsum(shares, exclusive=True)[replica]
