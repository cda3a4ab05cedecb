"""How a `GAN` is compiled, trained and evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import keras
import tensorflow as tf

from keras_gan import losses
from keras_gan.augmentation import Augmentation
from keras_gan.augmentation import get as get_augmentation
from keras_gan.conditioning import LabelCheck
from keras_gan.core.arguments import integer, whole
from keras_gan.core.errors import InputError
from keras_gan.training import compile_checks, fitting, loop, network_checks, steps
from keras_gan.training.context import StepContext, of_labels
from keras_gan.training.evaluation_step import evaluation_logs
from keras_gan.training.input_checks import x_and_y
from keras_gan.training.input_pipeline import training_stream
from keras_gan.training.metrics import REPORTED, RunningMeans
from keras_gan.training.saved_variables import SavedVariables, seed_states, variables_of


class Trainer(keras.Model):
    """The training half of `keras_gan.GAN`, as Keras's own `Trainer` is one half of its `Model`."""

    train_function: Callable | None
    test_function: Callable | None
    augmentation: Augmentation | None
    regularizers: list

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        loss: str | losses.Loss = "non_saturating",
        discriminator_steps: int = 1,
        update: str = "alternating",
        *,
        accumulate: int = 1,
        regularizers: Sequence[Any] = (),
        augmentation: Augmentation | Sequence[Augmentation] | None = None,
        metrics: Sequence[keras.metrics.Metric] = (),
        auxiliary_optimizers: Sequence = (),
        jit_compile: bool | str = "auto",
        steps_per_execution: int = 1,
        run_eagerly: bool = False,
        **unknown,
    ) -> None:
        """Sets how the networks are trained.

        Args:
            generator_optimizer: Keras optimizer (or its name) of G.
            discriminator_optimizer: Keras optimizer (or its name) of D; another object than G's.
            loss: A name of `keras_gan.losses.NAMES`, or a `keras_gan.losses.Loss`.
            discriminator_steps: k, the number of D's updates in a step, each on its own data and
                noise; 1 to 255.
            update: "alternating" (Algorithm 1), "simultaneous" (the paper's released code) or
                "fixed" (G and D do not move; auxiliary networks are trained).
            accumulate: Parts in which each replica processes its rows of a minibatch, one after the
                other, before an update: less memory, the same updates except for rounding.
                Layers and losses that need a whole minibatch, such as batch normalization, are
                refused.
            regularizers: `keras_gan.regularizers.Regularizer`s, whose terms D minimizes
                in addition to its loss; each is in the logs by its name.
            augmentation: A `keras_gan.augmentation.Augmentation`, or a list of them, that D's
                inputs go through, real and generated ones alike, in both networks' steps.
            metrics: Keras metrics, updated by `update_state(real, fake)` with two
                `DiscriminatorOutput`s.
            auxiliary_optimizers: Keras optimizer (or its name) of each auxiliary network, in order.
            jit_compile: True compiles the step with XLA, on one replica; "auto" does so on an
                accelerator.
            steps_per_execution: Steps in one call into the graph, which callbacks see as a batch.
            run_eagerly: True runs step by step in Python, for debugging.
            **unknown: Names that other GAN code uses are refused with the name used here.

        Raises:
            InputError: An argument cannot be used.
        """
        compile_checks.refuse_unknown("compile()", unknown)
        discriminator_steps = whole("discriminator_steps", discriminator_steps, most=255)
        if update not in steps.RULES:
            raise InputError(f"unknown update {update!r}; choose from {', '.join(steps.RULES)}")
        loss = losses.get(loss)
        regularizers = compile_checks.as_list("regularizers", regularizers)
        metrics = compile_checks.as_list("metrics", metrics)
        augmentation = get_augmentation(augmentation)
        compile_checks.check_loss(self, loss)
        compile_checks.check_metrics(metrics)
        compile_checks.check_regularizers(regularizers, self.discriminator)
        accumulate = whole("accumulate", accumulate)
        compile_checks.check_accumulate(self, accumulate, [loss, *regularizers, augmentation])
        auxiliary = compile_checks.as_list("auxiliary_optimizers", auxiliary_optimizers)
        given = [generator_optimizer, discriminator_optimizer, *auxiliary]
        compile_checks.check_given(given, self)
        terms = compile_checks.terms(self.auxiliary_networks, regularizers, metrics)
        network_checks.check_parts([loss, *regularizers, augmentation], self)
        with self.distribute_strategy.scope():
            optimizers = [keras.optimizers.get(optimizer) for optimizer in given]
            compile_checks.check_optimizers(optimizers, self)
            compile_checks.check_execution(self, jit_compile, run_eagerly, regularizers)
            if augmentation is not None and not augmentation.built:
                augmentation.build((None, *self.example_shape))
            if compile_checks.uses_float16(self):
                optimizers = [fitting.with_loss_scale(optimizer) for optimizer in optimizers]
            super().compile(
                optimizer=None,
                loss=None,
                jit_compile=jit_compile,
                steps_per_execution=whole("steps_per_execution", steps_per_execution),
                run_eagerly=run_eagerly,
            )
            if compile_checks.cannot_use_xla(self, regularizers):  # which "auto" does not look at
                self.jit_compile = False
            self._jit_compile_given = jit_compile  # a saved model may be loaded on other devices
            self.generator_optimizer, self.discriminator_optimizer = optimizers[:2]
            self.auxiliary_optimizers = optimizers[2:]
            for optimizer, network in zip(optimizers, self.networks, strict=True):
                optimizer.build(network.trainable_variables)
            self.running_means = RunningMeans([*REPORTED, *terms], metrics)
            for regularizer in regularizers:
                regularizer.build()
        # Keras tracks no further layers of a model that was loaded; `compile_variables` are these.
        object.__setattr__(self, "regularizers", regularizers)
        object.__setattr__(self, "augmentation", augmentation)
        state = [*variables_of([*regularizers, loss]), *seed_states([*self.networks, augmentation])]
        state += [*self.auxiliary_variables, *variables_of(metrics), self.running_means.totals]
        object.__setattr__(self, "_state_of_regularizers", SavedVariables(state))
        self._compiled_for = [[id(v) for v in n.trainable_variables] for n in self.networks]
        self._made_for: tuple = ()
        self.loss = loss
        self.discriminator_steps = discriminator_steps
        self.update = update
        self.accumulate = accumulate

    @property
    def compile_variables(self) -> list[keras.Variable]:
        """The state of what `compile` was given besides optimizers and metrics."""
        return variables_of([*self.regularizers, self.loss, self.augmentation])

    def get_compile_config(self) -> dict:
        """Returns `compile`'s arguments, serialized."""
        if not self.compiled:
            return {}
        serialize = keras.saving.serialize_keras_object
        return {
            "generator_optimizer": serialize(self.generator_optimizer),
            "discriminator_optimizer": serialize(self.discriminator_optimizer),
            "loss": serialize(self.loss),
            "discriminator_steps": self.discriminator_steps,
            "update": self.update,
            "accumulate": self.accumulate,
            "regularizers": serialize(self.regularizers),
            "augmentation": serialize(self.augmentation),
            "metrics": serialize(self.running_means.user_metrics),
            "auxiliary_optimizers": serialize(self.auxiliary_optimizers),
            "jit_compile": self._jit_compile_given,
            "steps_per_execution": self.steps_per_execution,
            "run_eagerly": self.run_eagerly,
        }

    def compile_from_config(self, config: dict) -> None:
        """Compiles from `get_compile_config`'s dictionary, optimizers ready for their state."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def reseed(self, seed: int) -> None:
        """Continues training with other noise and another order of the data."""
        self.seed = integer("seed", seed)
        self.train_function = self.test_function = None  # the old seed is a constant in them

    # ------------------------------------------------------------------- fit

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The metrics of `fit` and `evaluate`, in nats, probabilities and rates."""
        return [*self.running_means.metrics, *self.user_metrics] if self.compiled else []

    @property
    def user_metrics(self) -> list[keras.metrics.Metric]:
        """Those given to `compile`, and metrics that a subclass has as attributes."""
        public = [value for name, value in vars(self).items() if not name.startswith("_")]
        own = (value for value in public if isinstance(value, keras.metrics.Metric))
        return [*self.running_means.user_metrics, *own]

    @property
    def current_step(self) -> keras.Variable:
        """The counter that training advances: `step`, or `auxiliary_step` if G and D are fixed."""
        return self.auxiliary_step if self.update == "fixed" else self.step

    def reset_metrics(self) -> None:
        """Starts the running means again, and the noise of `evaluate` with them."""
        super().reset_metrics()
        self.evaluated.assign(0)

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
        **unknown,
    ):
        """Trains the networks.

        Args:
            x: Examples: float array or tensor `[n, ...]`; a `keras_gan.data.Pictures`, which are
                scaled batch by batch; a `keras_gan.data.Shards`, which stays on disk; or batches of
                m examples, alone or with labels: a `tf.data.Dataset`, a `keras.utils.PyDataset` or
                an iterable. Labels are for a condition or a loss that uses them.
            y: Labels `[n, ...]` for an array or pictures, or None.
            batch_size: m for arrays, pictures and shards, default 100; batches have their own.
            epochs: As in Keras.
            verbose: As in Keras; the line shows both losses and the means of D(x) and D(G(z)).
            callbacks: As in Keras.
            validation_data: As in Keras; measured as `evaluate` does.
            shuffle: For arrays, pictures and a `PyDataset`; the order of each epoch is a function
                of the seed and the epoch.
            initial_epoch: As in Keras.
            initial_step: For arrays, pictures and shards: the steps of the first epoch that were
                made before, by a model that was loaded or restored. The epoch's means continue too.
            steps_per_epoch: For batches, as in Keras; a multiple of `steps_per_execution`.
            validation_steps: As in Keras.
            validation_batch_size: As in Keras.
            validation_freq: As in Keras.
            **unknown: Other arguments of Keras's `fit` are refused.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            InputError: The data cannot be used; where they are in memory, before the first step.
        """
        fitting.refuse_unknown(unknown)
        fitting.check_numbers(epochs, initial_epoch, initial_step, steps_per_epoch, validation_freq)
        if not self.compiled:
            raise InputError("call `compile` before `fit`")
        callbacks = keras.tree.flatten(getattr(callbacks, "callbacks", callbacks) or [])
        compile_checks.check_callbacks(callbacks)
        stream = training_stream(
            x,
            y,
            batch_size=batch_size,
            minibatches=self.discriminator_steps,
            example_shape=self.example_shape,
            label_check=self.label_check,
            seed=self.seed,
            shuffle=shuffle,
            strategy=self.distribute_strategy,
            steps_per_epoch=steps_per_epoch,
        )
        self.check_minibatch(stream.minibatch)
        fitting.check_steps(self, stream, steps_per_epoch, initial_step)
        fitting.trace_again_if_changed(self, stream.minibatch)
        if validation_data is not None:
            validation_data = fitting.evaluation_set(
                self,
                *x_and_y(validation_data),
                batch_size=batch_size if validation_batch_size is None else validation_batch_size,
                validation_steps=validation_steps,
            )
        own = [fitting.StreamCallback(self, stream, steps_per_epoch is None, initial_step)]
        with fitting.around_loop(self, steps_per_epoch):
            history = super().fit(
                stream.dataset(),
                epochs=epochs,
                verbose=0,
                callbacks=[*own, *callbacks, *fitting.progress(verbose, initial_step)],
                shuffle=False,
                validation_data=validation_data,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_freq=validation_freq,
            )
        fitting.finalize_optimizers(self)
        return history

    def check_minibatch(self, size: int) -> None:
        """Checks the size of a minibatch before training.

        Raises:
            InputError: It does not divide among the replicas.
        """
        fitting.check_minibatch(self, size)

    @property
    def label_check(self) -> LabelCheck | None:
        """The check of labels, if the condition or the loss uses them."""
        return fitting.label_check(self)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """Makes one step on `discriminator_steps` minibatches in memory, checked as in `fit`."""
        x, y = fitting.batch_in_memory(self, x, y, sample_weight, class_weight)
        return super().train_on_batch(x, y, return_dict=return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Measures a batch in memory, checked as in `evaluate`."""
        x, y = fitting.batch_in_memory(self, x, y, sample_weight, trains=False)
        return super().test_on_batch(x, y, return_dict=return_dict)

    def evaluate(self, x=None, y=None, batch_size: int | None = None, **kwargs):
        """Measures the networks on data, in inference mode and on noise of its own.

        Args:
            x: Examples, as in `fit`, in any number.
            y: Labels, where a condition or the loss uses them.
            batch_size: Examples of a batch, for arrays.
            **kwargs: As in Keras.

        Returns:
            Means over the examples, in the order of `metrics`, or by name with `return_dict=True`:
            `value`, V(D, G) of equation (1) in nats (-log 4 at the equilibrium); the losses;
            `d_real` and `d_fake`, means of D(x) and D(G(z)) (1/2 there); D's accuracies on data and
            on generated examples; `jsd_bound` = (V + log 4) / 2, for this D a lower bound of the
            Jensen-Shannon divergence (equation 3).
        """
        fitting.refuse_weights(kwargs.pop("sample_weight", None))
        if "_use_cached_eval_dataset" not in kwargs:  # then `fit` has checked the data
            x = fitting.evaluation_set(self, x, y, batch_size=batch_size, steps=kwargs.get("steps"))
        with fitting.around_loop(self, kwargs.get("steps")):
            return super().evaluate(x, **kwargs)

    def train_step(self, data) -> dict[str, tf.Tensor]:
        """One step on this replica's `k * m / replicas` examples, by the rule in `update`.

        Minibatch `j` is every k-th example from `j` on, so that it holds the same examples on any
        number of replicas. A subclass may override this as in Keras, and call it once.

        Returns:
            The means of the logs over this replica's rows, float32 scalars.
        """
        loop.count_call()
        x, labels = x_and_y(data)
        if x.shape[0] is None:
            x = tf.ensure_shape(x, [self._rows, *self.example_shape])
        k = self.discriminator_steps
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group, tf.int32)
        step = StepContext(
            gan=self,
            minibatches=[x[j::k] for j in range(k)],
            labels=[of_labels(itemgetter(slice(j, None, k)), labels) for j in range(k)],
            number=self.current_step.value,
            first_row=replica * (x.shape[0] // k),
            replicas=context.num_replicas_in_sync,
        )
        return steps.make(step)

    def test_step(self, data) -> dict[str, tf.Tensor]:
        """The means of the logs over this replica's rows of a batch, float32 scalars."""
        return evaluation_logs(self, *x_and_y(data))

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

    def _finish_step(self, losses: tf.Tensor, rows: tf.Tensor) -> None:
        """Updates counters and the moving average after a step of all replicas."""
        first = ~tf.math.is_finite(losses) & (self._nonfinite_step.value < 0)
        number = self.current_step.value
        self._nonfinite_step.assign(tf.where(first, number, self._nonfinite_step.value))
        self.current_step.assign_add(1)
        if self.update == "fixed":
            return
        self.images_seen.assign_add(tf.cast(rows, tf.int64))
        if self._average is not None:
            self._average.update(self.ema.step_momentum(self.images_seen.value, rows))

    def _finish_batch(self, losses: tf.Tensor, rows: tf.Tensor) -> None:
        self.evaluated.assign_add(1)

    @property
    def nonfinite_step(self) -> int | None:
        """The first step in which a loss was NaN or Inf (counted from 0), or None."""
        step = int(self._nonfinite_step.numpy())
        return None if step < 0 else step

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        """Nothing is left to build; Keras's own way takes a batch, and fails on several workers."""
