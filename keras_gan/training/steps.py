"""One step of the game on one replica: which passes are made, what they share, who moves when.

A step sees `k` minibatches of data. The two update rules decide the order; the networks, their
losses and the noise know nothing of the rule.

    alternating    Algorithm 1: k discriminator steps, each on a minibatch and noise of its own,
                   then one generator step on fresh noise against the new discriminator.
    simultaneous   the released code: k - 1 discriminator steps, then both networks move from the
                   same weights, gradients of both taken from one shared forward pass.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_gan import conditioning, losses
from keras_gan.conditioning import ConditionTensors
from keras_gan.core import randomness
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import Purpose, StepDraws
from keras_gan.training.auxiliary import GeneratedBatch

if TYPE_CHECKING:
    from keras_gan.training.gan import GAN

Sums = dict[str, tf.Tensor]  # a metric's name -> its sum over this replica's rows


@dataclass(frozen=True)
class Round:
    """What one replica knows of one step.

    Attributes:
        gan: The model; its networks, prior, loss and optimizers.
        real: Data of each of the k minibatches, this replica's rows, float `[rows, ...]`.
        labels: What came with them, or None for each.
        step: Scalar int64, generator updates made before this one.
        replica: Scalar int32, this replica's place among `replicas`.
        replicas: Number of replicas that share a minibatch.
    """

    gan: GAN
    real: list[tf.Tensor]
    labels: list[Any]
    step: tf.Tensor
    replica: tf.Tensor
    replicas: int

    @property
    def rows(self) -> int:
        """Rows of a minibatch on this replica."""
        return self.real[0].shape[0]

    def discriminator_gradients(self, j: int) -> tuple[list, Sums]:
        """Gradients of D on minibatch `j`; G is only used."""
        gan = self.gan
        with _unchanged(gan.generator):
            made = self._make(j)
        with tf.GradientTape() as tape:
            real, judged_fake, penalty = self._judge_penalised(j, made)
            losses_of_d = gan.loss.discriminator(real, judged_fake)
            loss = self._mean(losses_of_d) + penalty
            scaled = gan.discriminator_optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, gan.discriminator.trainable_variables)
        return gradients, discriminator_sums(real, judged_fake, losses_of_d)

    def generator_gradients(self, j: int) -> tuple[list, Sums]:
        """Gradients of G on fresh noise `j`; D is only used, its dropout stays on."""
        gan = self.gan
        with tf.GradientTape() as tape:
            made = self._make(j)
            with _unchanged(gan.discriminator):
                sees_data = getattr(gan.loss, "generator_uses_real", False)
                real = self._discriminate_real(j) if sees_data else None
                judged_fake = self._discriminate_fake(j, made)
            losses_of_g = gan.loss.generator(real, judged_fake)
            loss = self._mean(losses_of_g) + sum(gan.generator.losses) / self.replicas
            scaled = gan.generator_optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, gan.generator.trainable_variables)
        return gradients, {"g_loss": tf.reduce_sum(losses_of_g)}

    def joint_gradients(self, j: int) -> tuple[list, list, Sums]:
        """Gradients of D and of G from one forward pass on minibatch `j`."""
        gan = self.gan
        with tf.GradientTape(persistent=True) as tape:
            made = self._make(j)
            real, judged_fake, penalty = self._judge_penalised(j, made)
            losses_of_d = gan.loss.discriminator(real, judged_fake)
            losses_of_g = gan.loss.generator(real, judged_fake)
            loss_d = self._mean(losses_of_d) + penalty
            loss_g = self._mean(losses_of_g) + sum(gan.generator.losses) / self.replicas
            scaled_d = gan.discriminator_optimizer.scale_loss(loss_d)
            scaled_g = gan.generator_optimizer.scale_loss(loss_g)
        of_d = tape.gradient(scaled_d, gan.discriminator.trainable_variables)
        of_g = tape.gradient(scaled_g, gan.generator.trainable_variables)
        sums = discriminator_sums(real, judged_fake, losses_of_d)
        return of_d, of_g, {**sums, "g_loss": tf.reduce_sum(losses_of_g)}

    def auxiliary_gradients(self, j: int) -> tuple[list, Sums]:
        """Gradients of auxiliary network `j` on samples of its own, as `GAN.generate` makes them."""
        auxiliary, optimizer = self.gan.auxiliary_networks[j], self.gan.auxiliary_optimizers[j]
        with _unchanged(self.gan.generator):
            made = self._make(j, Purpose.COMPANION, Purpose.COMPANION_GENERATOR, training=False)
        with tf.GradientTape() as tape:
            with randomness.drawing_from(self._draws(j, Purpose.COMPANION_NETWORK)):
                per_example = auxiliary.loss(made, training=True)
            loss = self._mean(per_example) + sum(auxiliary.network.losses) / self.replicas
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, auxiliary.network.trainable_variables)
        return gradients, {f"{auxiliary.name}_loss": tf.reduce_sum(per_example)}

    def look(self, j: int) -> Sums:
        """What is reported of minibatch `j` when no network moves."""
        gan = self.gan
        with _unchanged(gan.generator, gan.discriminator):
            made = self._make(j)
            real, fake = self._discriminate_real(j), self._discriminate_fake(j, made)
        sums = discriminator_sums(real, fake, gan.loss.discriminator(real, fake))
        return {**sums, "g_loss": tf.reduce_sum(gan.loss.generator(real, fake))}

    def _draws(self, j: int, purpose: Purpose) -> StepDraws:
        first_row = self.replica * self.rows
        return StepDraws(self.gan.seed, self.step, j, purpose, first_row, self.rows)

    def _condition(self, j: int, make: str) -> ConditionTensors:
        """What the condition makes ("for_real", "for_generated"); both have the same draws."""
        if self.gan.condition is None:
            return {}
        data, draws = self._data(j), self._draws(j, Purpose.CONDITION)
        return getattr(self.gan.condition, make)(self.real[data], self.labels[data], draws)

    def _data(self, j: int) -> int:
        """The minibatch of data for noise `j`: noise k is the generator's, which sees the last."""
        return min(j, len(self.real) - 1)

    def _make(
        self,
        j: int,
        latents: Purpose = Purpose.LATENTS,
        inside: Purpose = Purpose.GENERATOR,
        training: bool = True,
    ) -> GeneratedBatch:
        drawn = self.gan.prior.draw(self._draws(j, latents))
        parts = self._condition(j, "for_generated")
        with randomness.drawing_from(self._draws(j, inside)):
            examples = conditioning.call(self.gan.generator, drawn, parts, training)
        return GeneratedBatch(drawn, examples, parts)

    def _judge_penalised(
        self, j: int, made: GeneratedBatch
    ) -> tuple[DiscriminatorOutput, DiscriminatorOutput, tf.Tensor]:
        """Judges data and samples; last, this replica's part of the losses that D's layers add."""
        judge = self.gan.discriminator
        real = self._discriminate_real(j)
        # Keras forgets a pass's losses when the next begins; those on weights count once.
        added = sum(judge.losses) - sum(
            v.regularizer(v) for v in judge.trainable_variables if v.regularizer
        )
        judged_fake = self._discriminate_fake(j, made)
        return real, judged_fake, (added + sum(judge.losses)) / self.replicas

    # Data and samples pass one after the other: batch statistics do not mix, and G's gradient does
    # not run back through the data.

    def _discriminate_real(self, j: int) -> DiscriminatorOutput:
        data = self._data(j)
        parts = self._condition(data, "for_real")
        judged = self._discriminate(j, Purpose.DISCRIMINATOR_REAL, self.real[data], parts)
        return judged._replace(labels=self.labels[data])

    def _discriminate_fake(self, j: int, made: GeneratedBatch) -> DiscriminatorOutput:
        return self._discriminate(j, Purpose.DISCRIMINATOR_FAKE, made.examples, made.condition)

    def _discriminate(
        self, j: int, purpose: Purpose, examples: tf.Tensor, parts: ConditionTensors
    ) -> DiscriminatorOutput:
        with randomness.drawing_from(self._draws(j, purpose)):
            return judge(self.gan.discriminator, examples, parts, training=True)

    def _mean(self, per_example: tf.Tensor) -> tf.Tensor:
        """This replica's part of the mean over the global minibatch."""
        return tf.reduce_sum(per_example) / (self.rows * self.replicas)


def alternating(round_: Round) -> Sums:
    """Algorithm 1 of the paper."""
    gan, k = round_.gan, len(round_.real)
    sums: list[Sums] = []
    for j in range(k):
        gradients, of_d = _gradients(Round.discriminator_gradients, round_, j)
        gan.discriminator_optimizer.apply(gradients, gan.discriminator.trainable_variables)
        sums.append(of_d)
    gradients, of_g = _gradients(Round.generator_gradients, round_, k)
    gan.generator_optimizer.apply(gradients, gan.generator.trainable_variables)
    return {**_average(sums), **of_g}


def simultaneous(round_: Round) -> Sums:
    """The released code's rule."""
    gan, last = round_.gan, len(round_.real) - 1
    sums: list[Sums] = []
    for j in range(last):
        gradients, of_d = _gradients(Round.discriminator_gradients, round_, j)
        gan.discriminator_optimizer.apply(gradients, gan.discriminator.trainable_variables)
        sums.append(of_d)
    of_d, of_g, both = _gradients(Round.joint_gradients, round_, last)
    gan.discriminator_optimizer.apply(of_d, gan.discriminator.trainable_variables)
    gan.generator_optimizer.apply(of_g, gan.generator.trainable_variables)
    g_loss = both.pop("g_loss")
    return {**_average([*sums, both]), "g_loss": g_loss}


def fixed(round_: Round) -> Sums:
    """No network moves; each of the k minibatches is only looked at."""
    return _average([round_.look(j) for j in range(len(round_.real))])


def _gradients(of: Callable, round_: Round, j: int) -> tuple:
    """Calls one of `Round`'s gradients; on several replicas this is what XLA compiles."""
    if not (round_.gan.jit_compile and round_.replicas > 1):
        return of(round_, j)

    # Tensors go in as arguments, the rest of the round is part of the program.
    @tf.function(jit_compile=True, autograph=False)
    def compiled(real, labels, step, replica):
        inside = replace(round_, real=real, labels=labels, step=step, replica=replica)
        return of(inside, j)

    return compiled(round_.real, round_.labels, round_.step, round_.replica)


RULES = {"alternating": alternating, "simultaneous": simultaneous, "fixed": fixed}


def auxiliary_networks(round_: Round) -> Sums:
    """Each auxiliary network's step."""
    gan, sums = round_.gan, dict[str, tf.Tensor]()
    for j, (auxiliary, optimizer) in enumerate(
        zip(gan.auxiliary_networks, gan.auxiliary_optimizers, strict=True)
    ):
        gradients, found = _gradients(Round.auxiliary_gradients, round_, j)
        optimizer.apply(gradients, auxiliary.network.trainable_variables)
        sums |= found
    return sums


def judge(
    discriminator: keras.Model, examples: tf.Tensor, parts: ConditionTensors, training: bool = False
):
    """D's judgement of examples `[n, ...]` under a condition.

    D returns logits `[n, 1]` or `[n]`, or a dict with "logits" and perhaps "features" and
    "classes".
    """
    outputs = conditioning.call(discriminator, examples, parts, training)
    features = classes = None
    if isinstance(outputs, dict):
        if "logits" not in outputs:
            raise InputError(
                f"a discriminator that returns a dict must give 'logits'; "
                f"it gives {sorted(outputs)}"
            )
        features, classes = outputs.get("features"), outputs.get("classes")
        outputs = outputs["logits"]
    if outputs.shape.rank == 2 and outputs.shape[-1] == 1:
        outputs = outputs[:, 0]
    if classes is not None:
        classes = tf.cast(classes, tf.float32)
    return DiscriminatorOutput(
        tf.cast(outputs, tf.float32), features, condition=parts, classes=classes, examples=examples
    )


def discriminator_sums(
    real: DiscriminatorOutput, fake: DiscriminatorOutput, losses_of_d: tf.Tensor
) -> Sums:
    """Sums over the rows of all that is reported of D; `value` is the integrand of equation (1)."""
    value = -losses.discriminator(real_logits=real.logits, fake_logits=fake.logits)
    return {
        "d_loss": tf.reduce_sum(losses_of_d),
        "value": tf.reduce_sum(value),
        "d_real": tf.reduce_sum(tf.sigmoid(real.logits)),
        "d_fake": tf.reduce_sum(tf.sigmoid(fake.logits)),
        "d_real_accuracy": _count(real.logits > 0),
        "d_fake_accuracy": _count(fake.logits < 0),
    }


def _count(condition: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(condition, tf.float32))


def _average(sums: list[Sums]) -> Sums:
    return {name: tf.add_n([s[name] for s in sums]) / len(sums) for name in sums[0]}


@contextlib.contextmanager
def _unchanged(*networks: keras.Model) -> Iterator[None]:
    """Runs networks in training mode without moving their state, as the other network's step must.

    Batch statistics and spectral norms are computed but not kept. Keras's seed generators do
    advance: else Keras's own dropout would repeat its masks.
    """
    with keras.StatelessScope() as scope:
        yield
    variables = [v for network in networks for v in network.variables]
    for variable in (v for v in variables if v.path.endswith("seed_generator_state")):
        value = scope.get_current_value(variable)
        if value is not None:
            variable.assign(value)
