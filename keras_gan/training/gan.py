"""`GAN`: two networks as one Keras model."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan import conditioning, losses, priors
from keras_gan.conditioning import Condition
from keras_gan.core import randomness
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import Purpose, StepDraws
from keras_gan.training import input_pipeline, loop, network_checks, sampling, steps
from keras_gan.training.auxiliary import AuxiliaryNetwork, GeneratedBatch
from keras_gan.training.metrics import RunningMeans

_log = logging.getLogger("keras_gan")


@keras.saving.register_keras_serializable("keras_gan")
class GAN(keras.Model):
    """Generative adversarial nets (Goodfellow et al. 2014), trained by `fit`.

    A *step* is one update of the generator. It takes `discriminator_steps` = k minibatches of m
    examples each; `batch_size` is always m. Every random number is a function of the seed, the
    step, its purpose and the example's place in the global minibatch, so that results do not
    depend on the number of replicas.

    Args:
        generator: Keras model from latents float `[n, prior.dimension]` to examples float `[n,
            ...]`.
        discriminator: Keras model from examples to logits `[n, 1]` or `[n]`, or to a dict with
            "logits" and, for losses that want them, "features" and "classes" `[n, K]`.
        prior: One of `keras_gan.priors`.
        condition: One of `keras_gan.conditioning`, for networks whose further inputs are named after
            its parts; None plays without.
        auxiliary_networks: Networks that learn beside the networks, `keras_gan.training.auxiliary.AuxiliaryNetwork`s.
        seed: Seed of all that is random in training. The networks' initial weights have their own.
        ema: Factor `a` in [0, 1) of an exponential moving average of G's weights, updated
            each step as `average = a * average + (1 - a) * weights`; None keeps no average.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        InputError: The networks and the prior do not fit together.

    Example:
        >>> gan = keras_gan.GAN(generator, discriminator, prior=keras_gan.priors.Uniform(100))
        >>> gan.compile(
        ...     generator_optimizer=keras_gan.optimizers.MomentumSGD(0.1, momentum=0.5),
        ...     discriminator_optimizer=keras_gan.optimizers.MomentumSGD(0.1, momentum=0.5),
        ... )
        >>> gan.fit(images, batch_size=100, epochs=10)
        >>> samples = gan.generate(64, seed=0)
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        prior: priors.Prior,
        *,
        condition: Condition | None = None,
        auxiliary_networks: Sequence[AuxiliaryNetwork] = (),
        seed: int = 0,
        ema: float | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(prior, priors.Prior):
            raise InputError(f"`prior` must be one of keras_gan.priors. Received: {prior!r}")
        if condition is not None and not isinstance(condition, Condition):
            raise InputError(
                f"`condition` must be one of keras_gan.conditioning. Received: {condition!r}"
            )
        if ema is not None and not 0 <= ema < 1:
            raise InputError(f"`ema` must be None or in [0, 1). Received: {ema}")
        self.generator = generator
        self.discriminator = discriminator
        self.prior = prior
        self.condition = condition
        self.auxiliary_networks = list(auxiliary_networks)
        self._auxiliary_keras_models = [auxiliary.network for auxiliary in auxiliary_networks]
        self.seed = int(seed)
        self.ema = ema
        self.example_shape, self._discriminator_shapes = network_checks.check(
            generator, discriminator, prior, condition
        )
        self.ema_generator = None
        if ema is not None:
            config = {**generator.get_config(), "name": "ema_generator"}
            self.ema_generator = type(generator).from_config(config)
            self.ema_generator.trainable = False
            self.ema_generator.set_weights(generator.get_weights())
        self.step = self._counter("step")
        self._examined = self._counter("examined")
        self._nonfinite_step = self._counter("nonfinite_step", -1)
        self.dropped_examples: int | None = None
        self.train_function: Callable | None = None
        self.test_function: Callable | None = None
        self._samplers: dict[bool, sampling.Sampler] = {}
        self.built = True

    def _counter(self, name: str, start: int = 0):
        initializer = keras.initializers.Constant(start)
        return self.add_weight(
            shape=(), dtype="int64", initializer=initializer, trainable=False, name=name
        )

    def call(self, inputs, training=False):
        """Returns G's output for its inputs: latents `[n, prior.dimension]`, and any condition."""
        return self.generator(inputs, training=training)

    # ---------------------------------------------------------------- compile

    def compile(
        self,
        generator_optimizer,
        discriminator_optimizer,
        loss: str | losses.Loss = "non_saturating",
        discriminator_steps: int = 1,
        update: str = "alternating",
        *,
        auxiliary_optimizers: Sequence = (),
        jit_compile: bool | str = "auto",
        steps_per_execution: int = 1,
        run_eagerly: bool = False,
    ) -> None:
        """Sets how the networks learn.

        Args:
            generator_optimizer: Keras optimizer (or its name) of G.
            discriminator_optimizer: Keras optimizer (or its name) of D; another object than G's.
            loss: A name of `keras_gan.losses.NAMES`, or an object of `keras_gan.losses.Loss`.
            discriminator_steps: k, D's updates in a step, each on data and noise of its own; 1 to
                255.
            update: "alternating" (Algorithm 1), "simultaneous" (the paper's released code) or
                "fixed" (neither network moves; auxiliary networks learn from a finished game).
            auxiliary_optimizers: Keras optimizer (or its name) of each auxiliary network, in their order.
            jit_compile: True compiles with XLA: the whole step on one replica, each replica's
                gradients on several. "auto" does so on an accelerator with one replica.
            steps_per_execution: Steps per call into the graph; callbacks see every one of these
                calls.
            run_eagerly: True runs step by step in Python, for debugging.

        Raises:
            InputError: An argument cannot be used, or XLA cannot compile a layer.
        """
        if not isinstance(discriminator_steps, int) or not 1 <= discriminator_steps < 256:
            raise InputError(
                f"`discriminator_steps` must be an int in [1, 255]. "
                f"Received: {discriminator_steps!r}"
            )
        if update not in steps.RULES:
            raise InputError(f"unknown update {update!r}; choose from {', '.join(steps.RULES)}")
        loss = losses.get(loss)
        known = {
            *self._discriminator_shapes,
            *(self.condition.training_names if self.condition else ()),
        }
        missing = sorted({*getattr(loss, "requires", ())} - known)
        if missing:
            raise InputError(
                f"the loss {type(loss).__name__} reads {' and '.join(missing)}; this discriminator "
                f"and condition ({self.condition}) give only {' and '.join(sorted(known))}"
            )
        with self.distribute_strategy.scope():
            generator_optimizer = keras.optimizers.get(generator_optimizer)
            discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
            auxiliary_optimizers = [keras.optimizers.get(o) for o in auxiliary_optimizers]
            if len(auxiliary_optimizers) != len(self.auxiliary_networks):
                raise InputError(
                    f"the model has {len(self.auxiliary_networks)} auxiliary networks; `auxiliary_optimizers` must "
                    f"be as many. Received: {len(auxiliary_optimizers)}"
                )
            optimizers = [generator_optimizer, discriminator_optimizer, *auxiliary_optimizers]
            if len(set(map(id, optimizers))) < len(optimizers):
                raise InputError(
                    "the networks need an optimizer each; two were given the same object"
                )
            self._check_execution(loss, jit_compile, run_eagerly)
            super().compile(
                optimizer=None,
                loss=None,
                jit_compile=jit_compile,
                steps_per_execution=steps_per_execution,
                run_eagerly=run_eagerly,
            )
            self.generator_optimizer = generator_optimizer
            self.discriminator_optimizer = discriminator_optimizer
            self.auxiliary_optimizers = auxiliary_optimizers
            for optimizer, network in zip(optimizers, self._networks, strict=True):
                optimizer.build(network.trainable_variables)
            self.running_means = RunningMeans([f"{c.name}_loss" for c in self.auxiliary_networks])
            self._means = self.running_means.metrics()
        self.loss = loss
        self.discriminator_steps = discriminator_steps
        self.update = update

    @property
    def _networks(self) -> list[keras.Model]:
        """All that learn by gradients."""
        return [self.generator, self.discriminator, *self._auxiliary_keras_models]

    def _check_execution(self, loss, jit_compile, run_eagerly) -> None:
        replicas = self.distribute_strategy.num_replicas_in_sync
        if jit_compile is True:
            if run_eagerly:
                raise InputError("`jit_compile` and `run_eagerly` exclude each other")
            if replicas > 1 and getattr(loss, "uses_global_means", False):
                raise InputError(
                    f"XLA cannot compile the loss {type(loss).__name__}, which takes means over "
                    "the global minibatch, on several replicas; use jit_compile=False"
                )
            for network in self._networks:
                for layer in network._flatten_layers():
                    # Means over all replicas stand within what would be compiled.
                    joins = replicas > 1 and getattr(layer, "synchronized", False)
                    if joins or not layer.supports_jit:
                        raise InputError(
                            f"XLA cannot compile layer {layer.name!r} of {network.name!r}; "
                            "use jit_compile=False"
                        )
        policies = {
            layer.dtype_policy.name
            for network in self._networks
            for layer in network._flatten_layers()
        }
        if "mixed_float16" in policies and replicas > 1:
            raise InputError(
                "mixed_float16 cannot scale its losses alike on several replicas; "
                "use mixed_bfloat16"
            )

    def get_compile_config(self) -> dict:
        """Returns `compile`'s arguments, serialised."""
        if not self.compiled:
            return {}
        serialize = keras.saving.serialize_keras_object
        return {
            "generator_optimizer": serialize(self.generator_optimizer),
            "discriminator_optimizer": serialize(self.discriminator_optimizer),
            "loss": serialize(self.loss),
            "discriminator_steps": self.discriminator_steps,
            "update": self.update,
            "auxiliary_optimizers": [serialize(o) for o in self.auxiliary_optimizers],
            "jit_compile": self.jit_compile,
            "steps_per_execution": self.steps_per_execution,
            "run_eagerly": self.run_eagerly,
        }

    def compile_from_config(self, config: dict) -> None:
        """Compiles from `get_compile_config`'s dictionary, optimizers ready for their state."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def get_config(self) -> dict:
        """Returns the constructor's arguments, serialised."""
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "prior": serialize(self.prior),
            "condition": serialize(self.condition),
            "auxiliary_networks": [serialize(auxiliary) for auxiliary in self.auxiliary_networks],
            "seed": self.seed,
            "ema": self.ema,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> GAN:
        """Makes the model from `get_config`'s dictionary."""
        config = dict(config)
        for part in ("generator", "discriminator", "prior", "condition", "auxiliary_networks"):
            if part in config:
                made = keras.saving.deserialize_keras_object(config[part], custom_objects)
                config[part] = made
        return cls(**config)

    def reseed(self, seed: int) -> None:
        """Trains on with other noise and another order of the data."""
        self.seed = int(seed)
        self.train_function = self.test_function = None  # the old seed is a constant of theirs

    # ------------------------------------------------------------------- fit

    @property
    def metrics(self) -> list:
        """The running means that `fit` and `evaluate` report, in nats, probabilities and rates."""
        return list(self._means) if self.compiled else []

    def reset_metrics(self) -> None:
        """Begins the running means anew, and the noise of `evaluate` with them."""
        super().reset_metrics()
        self._examined.assign(0)

    def fit(
        self,
        x=None,
        y=None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose="auto",
        callbacks=None,
        validation_data=None,
        shuffle: bool = True,
        initial_epoch: int = 0,
        initial_step: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
    ):
        """Trains both networks.

        Args:
            x: Examples, float `[n, ...]` (NumPy array or tensor); a `keras_gan.data.Shards`, which
                stays on disk; or a `tf.data.Dataset` of batches of m examples, or of tuples whose
                first component that is. What comes with the examples is for a condition or a loss
                that uses labels.
            y: Labels `[n, ...]` for an array `x`, or None.
            batch_size: m for arrays and shards, default 100; a data set has its own.
            epochs: As in Keras.
            verbose: As in Keras.
            callbacks: As in Keras.
            validation_data: As in Keras; measured as `evaluate` does.
            shuffle: For arrays; the order of each epoch is a function of the seed and the epoch.
            initial_epoch: As in Keras.
            initial_step: For arrays and shards: steps of the first epoch that were made before, by
                a model restored from a checkpoint taken within it. The epoch's means go on too.
            steps_per_epoch: For data sets, as in Keras; a multiple of `steps_per_execution`.
            validation_steps: As in Keras.
            validation_batch_size: As in Keras.
            validation_freq: As in Keras.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            InputError: The data cannot be used; named before the first step where they are in
                memory.
        """
        self._assert_compile_called("fit")
        stream = self._stream(x, y, batch_size, shuffle)
        if steps_per_epoch is not None:
            if isinstance(stream, input_pipeline.Counted):
                raise InputError(
                    "`steps_per_epoch` is for data sets; an epoch of arrays is all of them"
                )
            if steps_per_epoch % self.steps_per_execution:
                raise InputError(
                    f"`steps_per_epoch`={steps_per_epoch} must be a multiple of "
                    f"`steps_per_execution`={self.steps_per_execution}"
                )
        if initial_step and not (
            isinstance(stream, input_pipeline.Counted)
            and 0 <= initial_step < stream.steps_per_epoch
        ):
            raise InputError(
                "`initial_step` is a step within an epoch of arrays or shards. Received: "
                f"initial_step={initial_step}"
            )
        keeper = _StreamKeeper(
            stream,
            steps_per_epoch is None,
            initial_step,
            tf.identity(self.running_means.totals.value) if initial_step else None,
        )
        try:
            with warnings.catch_warnings():
                # Keras takes the end of a set of unknown length for a lack of data from the second
                # epoch on.
                warnings.filterwarnings("ignore", "Your input ran out of data", UserWarning)
                return super().fit(
                    stream.dataset(),
                    epochs=epochs,
                    verbose=verbose,
                    callbacks=[keeper, *keras.tree.flatten(callbacks or [])],
                    shuffle=False,
                    validation_data=validation_data,
                    initial_epoch=initial_epoch,
                    steps_per_epoch=steps_per_epoch,
                    validation_steps=validation_steps,
                    validation_batch_size=validation_batch_size,
                    validation_freq=validation_freq,
                )
        except tf.errors.InvalidArgumentError as error:
            batch = input_pipeline.nonfinite_batch(error)
            if batch is None:
                raise
            raise InputError(
                f"batch {batch} of the data set (counted from 0) holds NaN or Inf; "
                "training stopped "
                f"after step {int(self.step.numpy())}"
            ) from None

    def _stream(self, x, y, batch_size, shuffle):
        minibatch = 100 if batch_size is None else batch_size
        if isinstance(x, tf.data.Dataset):
            if y is not None or batch_size is not None:
                raise InputError(
                    "a data set brings labels and batches: give neither `y` nor `batch_size`"
                )
            stream: input_pipeline.Stream = input_pipeline.Regrouped(x, self.discriminator_steps)
            labelled = isinstance(x.element_spec, (tuple, list)) and len(x.element_spec) > 1
            self._check_examples(input_pipeline.first_component(x.element_spec).shape[1:])
        elif isinstance(x, input_pipeline.Shards):
            self._check_examples(x.shape)
            stream = input_pipeline.ShardStream(
                x, minibatch, self.discriminator_steps, self.seed, self.distribute_strategy
            )
            labelled = False
        else:
            x = input_pipeline.checked_array(x)
            self._check_examples(x.shape[1:])
            stream = input_pipeline.IndexedStream(
                x,
                y,
                minibatch,
                self.discriminator_steps,
                self.seed,
                shuffle,
            )
            labelled = y is not None
            if labelled:
                self.check_labels(y)
        self.check_minibatch(stream.minibatch)
        if labelled and not self._reader_of_labels:
            _log.warning("the data come with labels, which this loss does not use")
        if self._reader_of_labels and not labelled:
            raise InputError(
                f"{self._reader_of_labels} is made from labels: give `y`, or a data set of (x, y)"
            )
        replicas = self.distribute_strategy.num_replicas_in_sync
        self._share = stream.minibatch // replicas * self.discriminator_steps
        return stream

    def check_minibatch(self, size: int) -> None:
        """Looks at the size of a minibatch before training.

        Raises:
            InputError: It does not divide among the replicas.
        """
        replicas = self.distribute_strategy.num_replicas_in_sync
        group = 1 if self.condition is None else self.condition.group
        if size % (replicas * group):
            raise InputError(
                f"a minibatch of {size} does not divide among {replicas} replicas"
                + (f" in groups of {group}" if group > 1 else "")
                + f"; use a multiple of {replicas * group}"
            )

    @property
    def _reader_of_labels(self) -> str:
        """What uses labels, if anything does."""
        if self.condition is not None and self.condition.uses_labels:
            return repr(self.condition)
        sees = getattr(self.loss, "uses_labels", False)
        return f"the loss {type(self.loss).__name__}" if sees else ""

    def check_labels(self, y: Any) -> None:
        """Looks at labels in memory before training.

        Args:
            y: The labels, `[n, ...]`.

        Raises:
            InputError: They are none that the condition or the loss can use.
        """
        if self.condition is not None and self.condition.uses_labels:
            self.condition.check_labels(y)
        if "classes" in getattr(self.loss, "requires", ()):
            labels = np.asarray(y)
            if labels.ndim != 1:
                raise InputError(f"the labels must be [n]. Received: shape {labels.shape}")
            count = self._discriminator_shapes["classes"][-1]
            conditioning.check_classes(labels, count, "the labels (-1: unknown)", least=-1)

    def _check_examples(self, shape) -> None:
        if tuple(shape) != self.example_shape:
            raise InputError(
                f"the networks take examples of shape {self.example_shape}; "
                f"the data have {tuple(shape)}"
            )

    def evaluate(self, x=None, y=None, batch_size: int | None = None, **kwargs):
        """Measures the game on data, both networks in inference mode and on noise of its own.

        Args:
            x: Examples, an array or a data set as in `fit`, in any number.
            y: Labels, where a condition or the loss is made from them.
            batch_size: Examples of a batch, for arrays.
            **kwargs: As in Keras.

        Returns:
            Means over the examples, in the order of `metrics`, or by name with `return_dict=True`:
            `value`, V(D, G) of equation (1) in nats (-log 4 at the equilibrium); the losses;
            `d_real` and `d_fake`, means of D(x) and D(G(z)) (1/2 there); D's accuracies
            on data and on samples; `jsd_bound` = (V + log 4) / 2, for this D a lower bound of the
            Jensen-Shannon divergence (equation 3).
        """
        if not isinstance(x, tf.data.Dataset) and "_use_cached_eval_dataset" not in kwargs:
            x = input_pipeline.checked_array(x)
            self._check_examples(x.shape[1:])
            if y is not None:
                self.check_labels(y)
            elif self._reader_of_labels:
                raise InputError(f"{self._reader_of_labels} is made from labels: give `y`")
        return super().evaluate(x, y, batch_size=batch_size, **kwargs)

    def train_step(self, data) -> tuple[dict, tf.Tensor]:
        """One step on this replica's `k * m / replicas` examples; reads as Algorithm 1.

        Minibatch `j` is every k-th example from `j` on: so it holds the same examples on any
        number of replicas.

        Returns:
            The sums of the metrics over this replica's rows of a minibatch, and their number.
        """
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        if x.shape[0] is None:
            x = tf.ensure_shape(x, [self._share, *self.example_shape])
        k = self.discriminator_steps
        context = tf.distribute.get_replica_context()
        game = steps.Round(
            gan=self,
            real=[x[j::k] for j in range(k)],
            labels=[None if labels is None else labels[j::k] for j in range(k)],
            step=self.step.value,
            replica=tf.cast(context.replica_id_in_sync_group, tf.int32),
            replicas=context.num_replicas_in_sync,
        )
        sums = steps.RULES[self.update](game) | steps.auxiliary_networks(game)
        return sums, tf.constant(game.rows, tf.float32)

    def test_step(self, data) -> tuple[dict, tf.Tensor]:
        """The sums of the metrics over this replica's rows of a batch, and their number."""
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        rows = tf.shape(x)[0]
        first_row = _first_row(rows)

        def draws(purpose):
            return StepDraws(self.seed, self._examined.value, 0, purpose, first_row, rows)

        latents = self.prior.draw(draws(Purpose.EVALUATION_LATENTS))
        for_real: conditioning.ConditionTensors = {}
        for_generated: conditioning.ConditionTensors = {}
        if self.condition is not None:
            for_real = self.condition.for_real(x, labels, draws(Purpose.EVALUATION_CONDITION))
            for_generated = self.condition.for_generated(
                x, labels, draws(Purpose.EVALUATION_CONDITION)
            )
        with randomness.drawing_from(draws(Purpose.EVALUATION_GENERATOR)):
            fake = conditioning.call(self.generator, latents, for_generated)
            real = steps.judge(self.discriminator, x, for_real)._replace(labels=labels)
            judged_fake = steps.judge(self.discriminator, fake, for_generated)
            made = GeneratedBatch(latents, fake, for_generated)
            of_companions = {
                f"{c.name}_loss": tf.reduce_sum(c.loss(made, training=False))
                for c in self.auxiliary_networks
            }
        losses_of_d = self.loss.discriminator(real, judged_fake)
        sums = steps.discriminator_sums(real, judged_fake, losses_of_d) | of_companions
        sums["g_loss"] = tf.reduce_sum(self.loss.generator(real, judged_fake))
        return sums, tf.cast(rows, tf.float32)

    def make_train_function(self, force: bool = False):
        """Makes what `fit` calls; see `keras_gan.training.loop`."""
        if self.train_function is None or force:
            self.train_function = loop.make_function(self, self.train_step, self._finish_step)
        return self.train_function

    def make_test_function(self, force: bool = False):
        """Makes what `evaluate` calls."""
        if self.test_function is None or force:
            self.test_function = loop.make_function(self, self.test_step, self._finish_batch)
        return self.test_function

    def _finish_step(self, sums: dict, rows: tf.Tensor) -> None:
        """What a step leaves behind once all replicas are done: metrics, the average, the count."""
        finite = tf.math.is_finite(tf.add_n([sums[name] for name in sums if "_loss" in name]))
        first = tf.logical_and(tf.logical_not(finite), self._nonfinite_step.value < 0)
        self._nonfinite_step.assign(tf.where(first, self.step.value, self._nonfinite_step.value))
        self.running_means.add(sums, rows)
        if self.ema_generator is not None and self.ema is not None:
            for average, weight in zip(
                self.ema_generator.weights, self.generator.weights, strict=True
            ):
                if weight.trainable:
                    average.assign_sub((1 - self.ema) * (average.value - weight.value))
                else:
                    average.assign(weight.value)  # batch statistics and counts
        self.step.assign_add(1)

    def _finish_batch(self, sums: dict, rows: tf.Tensor) -> None:
        self.running_means.add(sums, rows)
        self._examined.assign_add(1)

    @property
    def nonfinite_step(self) -> int | None:
        """The first step in which a loss was NaN or Inf (counted from 0), or None."""
        step = int(self._nonfinite_step.numpy())
        return None if step < 0 else step

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        """Nothing is left to build; Keras's own way takes a batch, and fails on several workers."""

    # --------------------------------------------------------------- sampling

    def generate(
        self,
        n: int,
        seed: int = 0,
        *,
        condition: Any = None,
        ema: bool = False,
        batch_size: int = 1000,
    ) -> np.ndarray:
        """Samples from the generator, in inference mode.

        Row `i` depends on the pair (seed, i) and its condition alone, by a hash: the same in any
        call and in exported models.

        Args:
            n: Number of samples.
            seed: Any int.
            condition: For a conditional model: one for all, or one for each row; drawn if None.
            ema: True uses the EMA weights.
            batch_size: Samples made at a time.

        Returns:
            float32 `[n, *example_shape]`, G's own output: on the scale the data were trained on.

        Raises:
            InputError: `n` is negative, there are no EMA weights, or the condition does not
                fit.
        """
        generator = self.ema_generator if ema else self.generator
        if generator is None:
            raise InputError("this model keeps no EMA weights; make it with `ema=0.999`")
        if ema not in self._samplers:
            self._samplers[ema] = sampling.Sampler(generator, self.prior, self.condition)
        return self._samplers[ema](n, seed, condition, batch_size)

    @property
    def names_classes(self) -> bool:
        """Whether D names classes, so that `classify` can be used."""
        return "classes" in self._discriminator_shapes

    def classify(self, x: np.ndarray, *, batch_size: int = 1000) -> np.ndarray:
        """Class probabilities of examples, from a discriminator that names classes.

        Args:
            x: Examples, float `[n, *example_shape]`, on the scale the data were trained on.
            batch_size: Examples looked at at a time.

        Returns:
            float32 `[n, K]`, rows with the sum 1: p(class given x, and that x is data).

        Raises:
            InputError: D names no classes, or the examples do not fit.
        """
        if not self.names_classes:
            raise InputError(
                "the discriminator names no classes; make it with "
                "networks.maxout_discriminator(classes=K)"
            )
        x = input_pipeline.checked_array(x)
        self._check_examples(x.shape[1:])
        scores = [
            steps.judge(self.discriminator, x[first : first + batch_size], {}).classes
            for first in range(0, len(x), batch_size)
        ]
        return tf.nn.softmax(tf.concat(scores, axis=0)).numpy()


class _StreamKeeper(keras.callbacks.Callback):
    """Starts each epoch of the stream at the model's step, and counts what the epoch left over."""

    def __init__(self, stream, counts: bool, steps_made: int, totals: tf.Tensor | None):
        super().__init__()
        self._stream = stream
        self._counts = counts
        self._steps_made = steps_made  # before, in the first epoch
        self._totals = totals  # the running means of these steps

    def on_epoch_begin(self, epoch, logs=None):
        self._first_step = int(self.model.step.numpy())
        self._stream.begin_epoch(self._first_step, self._steps_made)
        if self._totals is not None:
            self.model.running_means.totals.assign(self._totals)
        self._steps_made, self._totals = 0, None

    def on_epoch_end(self, epoch, logs=None):
        if int(self.model.step.numpy()) == self._first_step:
            raise InputError(
                f"the data set holds less than one step takes: {self.model.discriminator_steps} "
                f"(`discriminator_steps`) minibatches of {self._stream.minibatch}"
            )
        self.model.dropped_examples = self._stream.dropped_examples() if self._counts else None
        if self.model.dropped_examples:
            _log.info(
                "epoch %d left out %d examples that fill no step",
                epoch,
                self.model.dropped_examples,
            )


def _first_row(rows: tf.Tensor) -> tf.Tensor:
    """The place of this replica's first row in a batch that need not divide evenly."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return tf.constant(0)
    replica = tf.cast(context.replica_id_in_sync_group, tf.int32)
    mine = tf.one_hot(replica, context.num_replicas_in_sync, dtype=tf.int32) * rows
    shares = context.all_reduce(tf.distribute.ReduceOp.SUM, mine)
    return tf.math.cumsum(shares, exclusive=True)[replica]
