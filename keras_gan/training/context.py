"""One step on one replica: its data, its random numbers, how to call the networks."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import keras
import tensorflow as tf

from keras_gan import conditioning
from keras_gan.core import randomness
from keras_gan.core.batches import (
    NO_CONDITION,
    ConditionTensors,
    DiscriminatorOutput,
    GeneratedBatch,
)
from keras_gan.core.errors import InputError
from keras_gan.core.keras_private import all_layers
from keras_gan.core.randomness import Purpose, StepDraws
from keras_gan.core.replicas import in_parts
from keras_gan.layers.batch_features import exchanges_rows
from keras_gan.losses import NoRealOutput, check_shape, discriminator
from keras_gan.training.discriminate import discriminate
from keras_gan.training.gradients import clip_over_replicas
from keras_gan.training.saved_variables import seed_states

if TYPE_CHECKING:
    from keras_gan.augmentation import Augmentation
    from keras_gan.training.gan import GAN

Logs = dict[str, tf.Tensor]  # a quantity's name -> its mean over this replica's rows
Gradients = list[tf.Tensor]  # of a network's trainable weights; None without one


def of_labels(function: Callable[[tf.Tensor], tf.Tensor], labels: Any) -> Any:
    """The function's value for each tensor of labels, which may be a dict or a tuple, or None."""
    return None if labels is None else tf.nest.map_structure(function, labels)


@dataclass(frozen=True)
class StepContext:
    """One step on one replica.

    Attributes:
        gan: The model; its networks, prior, condition, loss, optimizers and so on.
        minibatches: Data of each of the k minibatches, this replica's rows, float `[m, ...]`.
        labels: Their labels, or None for each.
        number: Scalar int64, the number of steps before this one.
        first_row: Scalar int32, the place of the first row in the global minibatch.
        replicas: Number of replicas that share a minibatch.
    """

    gan: GAN
    minibatches: list[tf.Tensor]
    labels: list[Any]
    number: tf.Tensor
    first_row: tf.Tensor
    replicas: int
    _unchanged: list[keras.Model] = field(default_factory=list)

    @property
    def k(self) -> int:
        """Number of D's updates in a step, and of minibatches of data."""
        return len(self.minibatches)

    @property
    def rows(self) -> int:
        """m, the rows of a minibatch on this replica."""
        return self.minibatches[0].shape[0]

    def draws(self, j: int, purpose: Purpose) -> StepDraws:
        """Random bits of minibatch `j` for one purpose, by global row."""
        return StepDraws(self.gan.seed, self.number, j, purpose, self.first_row, self.rows)

    def mean_of_parts(self, function: Callable[[StepContext, int], Any], j: int) -> Any:
        """Calls a function on minibatch `j`, in as many parts as `accumulate` says.

        The parts are processed one after the other, so that memory holds the activations of one.

        Args:
            function: From the step on some of its rows, and `j`, to gradients and logs: means over
                these rows, tensors or None in any structure.
            j: Number of the minibatch.

        Returns:
            The means over all rows of this replica.
        """
        parts = self.gan.accumulate
        if parts == 1:
            return function(self, j)

        def tensors(part: int | tf.Tensor) -> tuple[Any, list[tf.Tensor]]:
            with in_parts():
                structure = function(self._part(part, parts), j)
            values = tf.nest.flatten(structure)
            return structure, [tf.convert_to_tensor(v) for v in values if v is not None]

        def add(part: tf.Tensor, *totals: tf.Tensor) -> tuple:
            more = tensors(part)[1]
            return part + 1, *(a + b for a, b in zip(totals, more, strict=True))

        structure, first = tensors(0)
        _, *totals = tf.while_loop(
            lambda part, *_: part < parts, add, [tf.constant(1), *first], parallel_iterations=1
        )
        means = (total / parts for total in totals)
        return tf.nest.map_structure(lambda v: None if v is None else next(means), structure)

    def _part(self, part: int | tf.Tensor, parts: int) -> StepContext:
        """The step on some of its rows."""
        rows = self.rows // parts

        def cut(values: tf.Tensor) -> tf.Tensor:
            return tf.reshape(values, [parts, rows, *values.shape[1:]])[part]

        return dataclasses.replace(
            self,
            minibatches=[cut(examples) for examples in self.minibatches],
            labels=[of_labels(cut, labels) for labels in self.labels],
            first_row=self.first_row + part * rows,
        )

    # ------------------------------------------------------- inputs of the networks

    def latents(self, j: int, purpose: Purpose = Purpose.LATENTS) -> tf.Tensor:
        """Noise of minibatch `j` from the prior, float32 `[m, d]`; noise k is for G's own step."""
        return self.gan.prior.draw(self.draws(j, purpose))

    def data(self, j: int) -> tf.Tensor:
        """Data of minibatch `j`, float `[m, ...]`; G's own step compares with the last one."""
        return self.minibatches[self._index(j)]

    def _index(self, j: int) -> int:
        return min(j, self.k - 1)

    def _condition(self, j: int, method: str) -> ConditionTensors:
        """The condition "for_real" or "for_generated" examples; both get the same random bits."""
        condition, i = self.gan.condition, self._index(j)
        if condition is None:
            return NO_CONDITION
        draws = self.draws(i if method == "for_real" else j, Purpose.CONDITION)
        return getattr(condition, method)(self.minibatches[i], self.labels[i], draws)

    # ------------------------------------------------------------- forward passes

    def generate(
        self,
        latents: tf.Tensor,
        j: int,
        purpose: Purpose = Purpose.GENERATOR,
        training: bool = True,
    ) -> GeneratedBatch:
        """G(z) for the latents of minibatch `j`; `purpose` is that of noise inside of G."""
        condition = self._condition(j, "for_generated")
        with randomness.drawing_from(self.draws(j, purpose)):
            examples = conditioning.call(self.gan.generator, latents, condition, training)
        batch = GeneratedBatch(latents, examples, condition)
        if self.gan.generator in self._unchanged:  # D's step: G's own losses do not matter
            return batch
        # Keras forgets the losses of a pass when the next one begins.
        return batch._replace(layer_losses=self.layer_losses(self.gan.generator))

    def discriminate_real(self, examples: tf.Tensor, j: int) -> DiscriminatorOutput:
        """D(x) for the data of minibatch `j`."""
        condition = self._condition(j, "for_real")
        output = self._discriminate("REAL", examples, condition, j)
        return output._replace(labels=self.labels[self._index(j)])

    def discriminate_fake(self, samples: GeneratedBatch, j: int) -> DiscriminatorOutput:
        """D(G(z)) for generated examples of minibatch `j`."""
        return self._discriminate("FAKE", samples.examples, samples.condition, j)

    def real_for_generator(self, j: int) -> DiscriminatorOutput:
        """D(x) in G's step, for losses that declare that they read it."""
        if self.gan.loss.generator_uses_real:
            return self.discriminate_real(self.data(j), j)
        return self._undeclared

    def declared(self, real: DiscriminatorOutput) -> DiscriminatorOutput:
        """D(x) of a shared pass, for losses that declare that they read it."""
        return real if self.gan.loss.generator_uses_real else self._undeclared

    @property
    def _undeclared(self) -> DiscriminatorOutput:
        return cast(DiscriminatorOutput, NoRealOutput(self.gan.loss))

    # Data and samples pass one after the other: batch statistics do not mix, and G's gradient does
    # not run back through the data.
    def _discriminate(
        self, kind: str, examples: tf.Tensor, condition: ConditionTensors, j: int
    ) -> DiscriminatorOutput:
        with randomness.drawing_from(self.draws(j, Purpose[f"AUGMENTATION_{kind}"])):
            augmented = self.augment(examples)
        with randomness.drawing_from(self.draws(j, Purpose[f"DISCRIMINATOR_{kind}"])):
            output = discriminate(self.gan.discriminator, augmented, condition, training=True)
        output = output._replace(examples=tf.cast(examples, tf.float32))
        if self.gan.discriminator in self._unchanged:  # G's step: D's own losses do not matter
            return output
        return output._replace(layer_losses=self.layer_losses(self.gan.discriminator))

    # ------------------------------------------------------------ losses and updates

    def discriminator_losses(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput, j: int
    ) -> tf.Tensor:
        """D's loss for each row, `[m]`, with the random numbers that it may draw."""
        with randomness.drawing_from(self.draws(j, Purpose.LOSS)):
            return self.gan.loss.discriminator(real, fake)

    def generator_losses(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> tf.Tensor:
        """G's loss for each row, `[m]`, with other random numbers than D's k updates have."""
        with randomness.drawing_from(self.draws(self.k, Purpose.LOSS)):
            return self.gan.loss.generator(real, fake)

    def discriminator_mean(self, losses: tf.Tensor) -> tf.Tensor:
        """This replica's part of the mean of D's losses over the global minibatch."""
        return self.mean(losses, f"{type(self.gan.loss).__name__}.discriminator")

    def generator_mean(self, losses: tf.Tensor, samples: GeneratedBatch) -> tf.Tensor:
        """The same of G's losses, with what G's layers add."""
        mean = self.mean(losses, f"{type(self.gan.loss).__name__}.generator")
        return mean + samples.layer_losses / self.replicas

    def layer_losses(self, network: keras.Model) -> tf.Tensor | float:
        """The sum of the losses that a network's layers added in its last pass, in float32.

        Raises:
            InputError: Replicas wait for each other in the pass: they would read each other's, as
                Keras keeps the losses of all in one list.
        """
        losses = network.losses
        on_weights = sum(weight.regularizer is not None for weight in network.trainable_variables)
        if self.replicas > 1 and len(losses) > on_weights:
            waiting = [layer.name for layer in all_layers(network) if exchanges_rows(layer)]
            if waiting:
                raise InputError(
                    f"on several replicas the losses that layers of {network.name!r} add, such as "
                    f"`activity_regularizer`, do not go with layer {waiting[0]!r}, which computes "
                    "with the rows of all replicas; leave out one of the two"
                )
        return sum(tf.reduce_sum(tf.cast(loss, tf.float32)) for loss in losses)

    def mean(self, values: tf.Tensor, name: str) -> tf.Tensor:
        """This replica's part of the mean of what `name` returned for each row."""
        check_shape(values, self.rows, name)
        return tf.reduce_sum(tf.cast(values, tf.float32)) / (self.rows * self.replicas)

    def augment(self, examples: tf.Tensor) -> tf.Tensor:
        """The examples as D receives them; random numbers are drawn from what is current."""
        augmentation = self.gan.augmentation
        return examples if augmentation is None else augmentation(tf.cast(examples, tf.float32))

    def gradients(
        self, tape: tf.GradientTape, loss: tf.Tensor, network: keras.Model, optimizer
    ) -> list[tf.Tensor]:
        """The gradient of a loss with respect to a network's weights, times the loss scale."""
        scale = optimizer.scale_loss(tf.ones([]))
        gradients = tape.gradient(loss, network.trainable_variables, output_gradients=scale)
        # An embedding's is sparse, with a row for each example. Keras squares these, and clips
        # them, before it adds those of one class.
        return [None if g is None else tf.convert_to_tensor(g) for g in gradients]

    def apply(self, optimizer, gradients: list[tf.Tensor], network: keras.Model) -> None:
        """Updates a network; gradients are clipped after they are summed over replicas."""
        if self.replicas > 1:
            gradients = clip_over_replicas(optimizer, gradients)
        with tf.control_dependencies(self._before_update(gradients, network)):
            optimizer.apply(gradients, network.trainable_variables)
        for layer in all_layers(network):
            if hasattr(layer, "after_update"):
                layer.after_update()

    def _before_update(self, gradients: list[tf.Tensor], network: keras.Model) -> list[tf.Tensor]:
        """The operations that an update waits for, in addition to TensorFlow's own order.

        No weight may change while another one's gradient still has to read it. TensorFlow's graph
        optimizer loses that order for a weight whose own gradient does not depend on it, as D's
        last one under a linear loss: it drops the dependency in favor of a path through the
        `IdentityN` of all gradients, which it then splits.
        """
        gan = self.gan
        overlap = vars(type(gan.loss)).get("updates_may_overlap", False) and not gan.regularizers
        if overlap and (network is gan.generator or network is gan.discriminator):
            return []
        return [gradient for gradient in gradients if gradient is not None]

    @contextlib.contextmanager
    def unchanged(self, *networks: keras.Model) -> Iterator[None]:
        """Runs networks in training mode without changing their state, in the other one's update.

        Batch statistics and spectral norms are computed but not stored. Keras's seed generators do
        advance, those of the augmentation too: else Keras's own dropout would repeat its masks.
        """
        self._unchanged.extend(networks)
        with keras.StatelessScope() as scope:
            yield
        self._unchanged.clear()
        for variable in seed_states([*networks, self.gan.augmentation]):
            value = scope.get_current_value(variable)
            if value is not None:
                variable.assign(value)

    # ------------------------------------------------------------------------ logs

    def discriminator_logs(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput, losses: tf.Tensor
    ) -> Logs:
        """The logs of an update of D; the user's metrics and the augmentation follow it."""
        for metric in self.gan.running_means.user_metrics:
            metric.update_state(real, fake)
        logs = discriminator_logs(real, fake, losses, self.gan.loss.boundary)
        augmentation = self.gan.augmentation
        if augmentation is not None:
            if self.gan.update != "fixed":
                augmentation.update(self._with_signs(real, fake, augmentation))
            if hasattr(augmentation, "strength"):
                logs["augmentation"] = tf.cast(augmentation.strength, tf.float32)
        return logs

    def _with_signs(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput, augmentation: Augmentation
    ) -> DiscriminatorOutput:
        """D's output for the data, with logits whose signs mean something if these are read."""
        if not augmentation.reads_signs:
            return real
        middle: Any = self.gan.loss.boundary
        if self.gan.loss.ignores_constants:
            middle = (real.logits + fake.logits) / 2
        return real._replace(logits=real.logits - middle)

    def generator_logs(self, losses: tf.Tensor) -> Logs:
        """The logs of an update of G."""
        return {"g_loss": tf.reduce_mean(losses)}


def discriminator_logs(
    real: DiscriminatorOutput,
    fake: DiscriminatorOutput,
    losses: tf.Tensor,
    boundary: float = 0.0,
) -> Logs:
    """Means over the rows of what is reported of D; `value` is V(D, G), equation (1).

    D's answers are correct on either side of the loss's `boundary`.
    """
    value = -discriminator(real_logits=real.logits, fake_logits=fake.logits)
    return {
        "d_loss": tf.reduce_mean(losses),
        "value": tf.reduce_mean(value),
        "d_real": tf.reduce_mean(tf.sigmoid(real.logits)),
        "d_fake": tf.reduce_mean(tf.sigmoid(fake.logits)),
        "d_real_accuracy": tf.reduce_mean(tf.cast(real.logits > boundary, tf.float32)),
        "d_fake_accuracy": tf.reduce_mean(tf.cast(fake.logits < boundary, tf.float32)),
    }


def mean_logs(logs: list[Logs]) -> Logs:
    """The mean of each quantity over several updates."""
    return {name: tf.add_n([entry[name] for entry in logs]) / len(logs) for name in logs[0]}
