"""What one call of the train command is to do: options to objects, everything checked first."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
from pathlib import Path

import keras
import numpy as np

from keras_gan import callbacks, data, plotting
from keras_gan.core.errors import InputError, first_line
from keras_gan.data import preprocessing
from keras_gan.experiment import distribution
from keras_gan.experiment.run import BEST, Run, identity_hash
from keras_gan.experiment.session import Session
from keras_gan.recipes import Recipe
from keras_gan.training import checkpoints, input_pipeline
from keras_gan.training.gan import GAN


def recipe_name(options) -> str:
    """What was asked for, in a form that finds it again from another folder."""
    if options.recipe is None:
        return "digits" if options.dataset in (None, "digits") else "own_data"
    return str(Path(options.recipe).resolve()) if options.recipe.endswith(".py") else options.recipe


def _place(folder: str | None) -> str | None:
    """The name of a folder that holds from any other: a URL, or an absolute path."""
    return folder if not folder or "://" in folder else str(Path(folder).resolve())


class Job:
    """One call of the command, everything checked before anything is written."""

    def __init__(self, recipe: Recipe, options):
        self.recipe = recipe
        self.options = options
        if options.precision not in ("float32", "mixed_bfloat16"):
            raise InputError(
                f"unknown --precision {options.precision!r}; choose from float32, mixed_bfloat16"
            )
        for name, least in (
            ("steps_per_execution", 0),
            ("keep_checkpoints", 1),
            ("checkpoint_minutes", 0),
            ("nan_retries", 0),
            ("shuffle_mebibytes", 1),
            ("monitor_every", 0),
        ):
            if getattr(options, name) < least:
                raise InputError(
                    f"--{name.replace('_', '-')} must be at least {least}. "
                    f"Received: {getattr(options, name)}"
                )
        if "://" in (options.run_dir or ""):
            raise InputError(
                "--run-dir needs a file system with locks and rename: keep it on a local or "
                "mounted disk; checkpoints alone may go to a URL (--checkpoint-dir, or "
                f"keras_gan.callbacks.Checkpoint). Received: {options.run_dir}"
            )
        self.strategy = distribution.make(options.strategy)
        self.replicas = self.strategy.num_replicas_in_sync
        shards = None
        if options.stream:
            self.data_set, shards = self._open_shards()
        else:
            self.data_set = recipe.load_data(options.data_dir, options.download, options.fold)
        self.learnt = self._learnt(recipe)
        name = recipe.preprocessing if self.data_set.is_image else "identity"
        self.preprocessing = preprocessing.fit(name, self.data_set.train.x)
        self.recipe = dataclasses.replace(recipe, preprocessing=name)
        # All there are to train on, or, where they are streamed, those that lie in memory.
        self.examples = input_pipeline.checked_array(
            self.preprocessing.normalize(self.learnt.train.x)
        )
        self.source: np.ndarray | data.Shards = self.examples
        if shards is not None:
            self.source = dataclasses.replace(shards, transform=self.preprocessing.normalize)
        self.size = len(self.source)
        group = recipe.batch_size * recipe.discriminator_steps
        self.steps_per_epoch, self.dropped_examples = divmod(self.size, group)
        if not self.steps_per_epoch:
            raise InputError(
                f"{recipe.dataset} has {self.size} training examples, "
                "fewer than a step takes "
                f"(--batch-size x --discriminator-steps = {group})"
            )
        self.labels = self.learnt.train.y if self._sees_labels else None
        self.gan = self._make_gan()
        self.gan.check_minibatch(recipe.batch_size)
        _check_loadable(self.gan)
        if self.labels is not None:
            self.gan.check_labels(self.labels)

    @property
    def _sees_labels(self) -> bool:
        condition = self.recipe.condition
        return self._is_semi_supervised or (condition is not None and condition.uses_labels)

    @property
    def _is_semi_supervised(self) -> bool:
        return self.recipe.make_loss().uses_labels

    def _learnt(self, recipe: Recipe) -> data.DataSet:
        """The data as they are learnt from: with few labels, where the loss sees these."""
        if not self._sees_labels:
            return self.data_set
        if self.options.stream:
            raise InputError("--stream reads images without their labels; leave it out")
        if self.data_set.train.y is None:
            raise InputError(
                f"recipe {recipe.name!r} needs the classes of its data; {self.data_set.name} "
                "has no labels"
            )
        if not self._is_semi_supervised:
            return self.data_set
        return data.keep_labels(
            self.data_set, recipe.labels, share=recipe.labelled_share, seed=self.options.seed
        )

    def _open_shards(self) -> tuple[data.DataSet, data.Shards]:
        recipe, options = self.recipe, self.options
        if recipe.source is not None or recipe.dataset in ("digits", "tfd") or options.fold:
            raise InputError(
                f"--stream reads data sets of tensorflow-datasets; {recipe.dataset} fits in memory"
            )
        return data.open_shards(
            recipe.dataset, options.data_dir, options.download, options.shuffle_mebibytes << 20
        )

    def _make_gan(self) -> GAN:
        recipe, options = self.recipe, self.options
        steps = options.steps_per_execution or _steps_per_execution(self.steps_per_epoch)
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(options.precision)
        try:
            with self.strategy.scope():
                generator, discriminator = self._make_networks()
                auxiliary_networks = recipe.make_auxiliary_networks(
                    self.examples.shape[1:], options.seed
                )
                gan = GAN(
                    generator,
                    discriminator,
                    recipe.make_prior(),
                    condition=recipe.condition,
                    auxiliary_networks=auxiliary_networks,
                    seed=options.seed,
                    ema=recipe.ema or None,
                )
                recipe.compile(gan, self.size, jit_compile=options.jit, steps_per_execution=steps)
        finally:
            keras.config.set_dtype_policy(before)
        if gan.example_shape != self.examples.shape[1:]:
            raise InputError(
                f"the networks of recipe {recipe.name!r} make examples of shape "
                f"{gan.example_shape}; "
                f"{recipe.dataset} has {self.examples.shape[1:]}"
            )
        return gan

    def _make_networks(self) -> tuple[keras.Model, keras.Model]:
        recipe = self.recipe
        try:
            return recipe.networks(recipe, self.examples, self.options.seed)
        except InputError:
            raise
        except ValueError as error:
            raise InputError(
                f"the networks of recipe {recipe.name!r} cannot be built for examples of shape "
                f"{self.examples.shape[1:]}: {first_line(error)}"
            ) from error

    @property
    def identity(self) -> dict:
        """Every setting that changes a number."""
        settings = self.recipe.settings()
        del settings["epochs"]
        if not self.gan.auxiliary_networks:
            del settings["auxiliary_learning_rate"]
        if not self._is_semi_supervised:
            del settings["labels"], settings["labelled_share"]
        networks = {"G": self.gan.generator, "D": self.gan.discriminator}
        networks |= {auxiliary.name: auxiliary.network for auxiliary in self.gan.auxiliary_networks}
        return {
            "recipe": self.recipe.name,
            **settings,
            "seed": self.options.seed,
            "precision": self.options.precision,
            "jit": self.options.jit,
            "fold": self.options.fold,
            "data": self.data_set.fingerprint,
            **self._stream_identity,
            **self._condition_config,
            "networks": identity_hash(
                {name: _structure(network) for name, network in networks.items()}
            ),
        }

    @property
    def _stream_identity(self) -> dict:
        if not isinstance(self.source, data.Shards):
            return {}
        return {
            "shards": self.source.fingerprint,
            "shuffle_mebibytes": self.options.shuffle_mebibytes,
        }

    @property
    def _condition_config(self) -> dict:
        if self.recipe.condition is None:
            return {}
        return {"condition": keras.saving.serialize_keras_object(self.recipe.condition)}

    def describe(self) -> None:
        """Prints what would be trained."""
        from rich.console import Console
        from rich.table import Table

        table = Table(show_header=False, title=f"recipe {self.recipe.name}")
        gan, examples = self.gan, self.examples
        parameters = [network.count_params() for network in (gan.generator, gan.discriminator)]
        state_bytes = sum(
            math.prod(v.shape) * v.value.dtype.size for v in checkpoints.state(gan).values()
        )
        for name, value in (
            (
                "data",
                f"{self.data_set.name}: {self.size:,} examples of shape {gan.example_shape}",
            ),
            ("latents", f"{gan.prior}"),
            ("condition", f"{gan.condition or 'none'}"),
            ("generator", f"{parameters[0]:,} parameters"),
            ("discriminator", f"{parameters[1]:,} parameters"),
            *((c.name, f"{c.network.count_params():,} parameters") for c in gan.auxiliary_networks),
            (
                "memory",
                f"{state_bytes / 2**20:,.0f} MiB of state, "
                f"{examples.nbytes / 2**20:,.0f} MiB of data",
            ),
            (
                "update",
                f"{self.recipe.update}, k = {gan.discriminator_steps}, "
                f"m = {self.recipe.batch_size}",
            ),
            ("steps", f"{self.steps_per_epoch:,} an epoch x {self.recipe.epochs} epochs"),
            ("left over", f"{self.dropped_examples} examples an epoch, other ones each time"),
            ("replicas", f"{self.replicas} ({self.options.strategy})"),
            ("run directory", f"{self.run_dir}"),
        ):
            table.add_row(name, value)
        gan.generator.summary()
        gan.discriminator.summary()
        Console().print(table)

    @property
    def run_dir(self) -> Path:
        """Where the run goes."""
        default = f"runs/{self.recipe.name}-{identity_hash(self.identity)}"
        return Path(self.options.run_dir or default)

    def train(self) -> int:
        """Trains from where the run directory stands."""
        began = time.monotonic()
        session = Session(
            self.gan,
            distribution.Workers(self.strategy),
            self._learn,
            steps_per_epoch=self.steps_per_epoch,
            dropped_examples=self.dropped_examples,
            epochs=self.recipe.epochs,
            retries=self.options.nan_retries,
        )
        run = session.train(
            self._open_run,
            {
                "strategy": self.options.strategy,
                "replicas": self.replicas,
                "epochs": self.recipe.epochs,
            },
            self._callbacks,
            verbose=1 if sys.stdout.isatty() else 2,
        )
        if run is not None:
            print(f"trained for {time.monotonic() - began:.0f} s; the run is {run.path}")
            self._animate(run)
        return 0

    def _open_run(self) -> Run:
        asked = _place(self.options.checkpoint_dir)
        if asked is not None:
            checkpoints.make_directory(asked)
        facts = {
            "recipe": recipe_name(self.options),
            "dataset": data.place(self.recipe.dataset),
            "preprocessing": self.preprocessing.get_config(),
            "data_dir": _place(self.options.data_dir),
            "checkpoint_dir": asked,
            "example_shape": list(self.gan.example_shape),
            "provenance": self.learnt.provenance,
            "steps_per_epoch": self.steps_per_epoch,
            **self._condition_config,
        }
        run = Run.create_or_open(self.run_dir, self.identity, facts)
        if asked not in (None, run.checkpoints):
            raise InputError(
                f"the checkpoints of {run.path} are in {run.checkpoints}; leave out "
                "--checkpoint-dir, or choose another --run-dir"
            )
        return run

    def _learn(self, epoch: int, steps_made: int, parts, verbose: int) -> None:
        self.gan.fit(
            self.source,
            self.labels,
            batch_size=self.recipe.batch_size,
            epochs=self.recipe.epochs,
            initial_epoch=epoch,
            initial_step=steps_made,
            callbacks=parts,
            verbose=verbose,
        )

    @staticmethod
    def _animate(run: Run) -> None:
        frames = sorted((run.path / "samples").glob("epoch-*.png"))
        if frames:
            shown = sorted({round(i) for i in np.linspace(0, len(frames) - 1, 120)})
            plotting.animate([frames[i] for i in shown], run.path / "samples.gif")
            print(f"samples: {frames[-1]}, all epochs: {run.path / 'samples.gif'}")

    def _callbacks(self, run: Run, facts: dict) -> list[keras.callbacks.Callback]:
        recipe, denormalize = self.recipe, self.preprocessing.denormalize
        found: list[keras.callbacks.Callback] = []
        measured = bool(recipe.likelihood_every and self.data_set.is_image)
        if measured:

            def on_best(weights: str, generator: keras.Model, value: float) -> None:
                run.save_best(weights, generator)
                facts[weights] = value

            found.append(
                callbacks.ValidationLikelihood(
                    denormalize(self.preprocessing.normalize(self.data_set.validation.x[:1000])),
                    denormalize,
                    recipe.likelihood_samples,
                    recipe.likelihood_every,
                    on_best=on_best,
                    best={kind: facts[kind] for kind in BEST if facts.get(kind) is not None},
                )
            )
        if self.options.monitor_every:
            every = self.options.monitor_every
            found.append(
                callbacks.CollapseMonitor.of(self.data_set, self.preprocessing, every=every)
            )
        if self._has_pictures:
            points = None if self.data_set.is_image else self.examples[:1000]
            found.append(callbacks.SampleGrid(run.path / "samples", denormalize, data=points))
        return [
            *found,
            keras.callbacks.LambdaCallback(on_epoch_end=run.add_metrics),
            keras.callbacks.TensorBoard(str(run.path / "tensorboard"), write_graph=False),
            callbacks.Checkpoint(
                run.checkpoints,
                lambda: facts,
                keep=self.options.keep_checkpoints,
                monitor="val_log_likelihood" if measured else None,
                minutes=self.options.checkpoint_minutes,
            ),
        ]

    @property
    def _has_pictures(self) -> bool:
        return self.data_set.is_image or self.gan.example_shape == (2,)


def _check_loadable(gan: GAN) -> None:
    """Refuses what could be saved after training but not loaded any more."""
    networks = [gan.generator, gan.discriminator, *(c.network for c in gan.auxiliary_networks)]
    layers = [layer for network in networks for layer in network._flatten_layers()]
    for part in (*layers, *gan.auxiliary_networks, gan.condition):
        made = type(part)
        known = keras.saving.get_registered_object(keras.saving.get_registered_name(made))
        if part is not None and known is None and made.__module__.partition(".")[0] != "keras":
            raise InputError(
                f"a model with {made.__name__} could be saved, but not loaded: decorate the class "
                "with @keras.saving.register_keras_serializable()"
            )


def _structure(network: keras.Model) -> dict:
    """A network's configuration without its layers' names, which Keras numbers as they come."""
    names = [network.name, *(layer.name for layer in network._flatten_layers())]
    places = {name: f"#{index}" for index, name in enumerate(names)}

    def anonymous(value, is_name=False):
        if isinstance(value, dict):
            return {key: anonymous(v, is_name or key in _NAME_KEYS) for key, v in value.items()}
        if isinstance(value, list):
            return [anonymous(v, is_name) for v in value]
        return places.get(value, value) if is_name and isinstance(value, str) else value

    return anonymous(json.loads(network.to_json()))


_NAME_KEYS = ("name", "keras_history", "input_layers", "output_layers")  # where layers are named


def _steps_per_execution(steps_per_epoch: int) -> int:
    """The largest divisor of an epoch up to 10: few calls, and progress that still moves."""
    return max(d for d in range(1, 11) if steps_per_epoch % d == 0)
