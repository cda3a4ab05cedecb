"""`Job`: what one call of the train command is to do, everything checked before it begins."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan import data, presets
from keras_gan.core.errors import InputError, first_line
from keras_gan.core.keras_private import all_layers
from keras_gan.core.settings import Checked, fields, setting
from keras_gan.core.versions import versions
from keras_gan.data import preprocessing
from keras_gan.experiment import distribution
from keras_gan.experiment.recipe import Recipe, TrainingData
from keras_gan.experiment.run import Run
from keras_gan.experiment.settings import RunSettings, Settings
from keras_gan.experiment.workers import Workers
from keras_gan.training import run_config, transfer
from keras_gan.training.gan import GAN
from keras_gan.training.input_checks import checked_array

# Names that settings of a recipe may not have: other entries of an identity, other flags.
RESERVED = ("recipe", "recipe_file", "data", "shards")
# Options that must be the same on all workers.
_ALIKE = (
    *("stream", "shuffle_mebibytes", "dry_run"),
    *("steps_per_execution", "accumulate", "nan_retries"),
)


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """How a run is trained; except for the first two, another choice continues the same run."""

    stream: bool = setting(
        False, "leave the training images on disk and read them while training (another run)"
    )
    shuffle_mebibytes: int = setting(
        256,
        "memory of the buffer that mixes streamed images (another run)",
        least=1,
        most=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
    )
    run_dir: str | None = setting(None, "run directory (runs/RECIPE-HASH)", path="folder")
    data_dir: str | None = setting(
        None, "directory of tensorflow-datasets (TFDS_DATA_DIR)", path="folder"
    )
    cache_dir: str | None = setting(
        None, "folder of decoded pictures (KERAS_GAN_CACHE, else ~/.cache/keras_gan)", path="folder"
    )
    download: bool = setting(False, "let tensorflow-datasets download the data")
    trust_recipe: bool = setting(
        False, "run the recipe file that the run of --init names, which may contain any Python code"
    )
    dry_run: bool = setting(False, "show what would be trained, and stop")
    strategy: str = setting(
        "default", "one of " + ", ".join(distribution.NAMES), choices=distribution.NAMES
    )
    steps_per_execution: int = setting(
        0, "steps per call into TensorFlow; 0: by rule", least=0, most=10**6
    )
    accumulate: int = setting(
        1,
        "parts in which a minibatch is processed, one after the other, to save memory",
        least=1,
        most=2**20,
    )
    monitor_every: int = setting(
        0, "epochs between two looks for a collapse of G, with warnings; 0: never", least=0
    )
    checkpoint_dir: str | None = setting(
        None,
        "where the checkpoints go, also a URL, such as gs://bucket/run (RUN/checkpoints)",
        path="folder",
    )
    keep_checkpoints: int = setting(2, "checkpoints that stay besides the best", least=1, most=1000)
    checkpoint_minutes: float = setting(
        10.0, "save within an epoch after so many minutes; at its end always", least=0, most=525_600
    )
    nan_retries: int = setting(
        0,
        "how often NaN or Inf sends the run back to its last checkpoint, with other noise; "
        "0: it stops",
        least=0,
        most=1000,
    )

    def __post_init__(self) -> None:
        """Checks the directory of the run besides."""
        super().__post_init__()
        if "://" in (self.run_dir or ""):
            raise InputError(
                "--run-dir needs a file system with locks and rename: keep it on a local or "
                "mounted disk; checkpoints alone may go to a URL (--checkpoint-dir, or "
                f"keras_gan.callbacks.Checkpoint). Received: {self.run_dir}"
            )


class Job:
    """A recipe, settings and options as objects that can be trained; nothing has been written.

    Attributes:
        asked: The settings as given.
        settings: The settings as the recipe resolved them.
        workers: The processes of the run; on each all is checked before any of them goes on.
        data_set: The data, whole.
        training_set: The data that are learned from; with few labels, where the recipe says so.
        training_data: The data that the model was made for.
        source: The data that `fit` reads.
        labels: Labels for `fit`, or None.
        gan: The compiled model.
        passes: How often an epoch gives each example.
        dropped_examples: Examples of an epoch that fill no step.
    """

    def __init__(
        self,
        recipe: Recipe,
        settings: RunSettings,
        options: Options,
        strategy: tf.distribute.Strategy,
    ):
        self.recipe, self.asked, self.options = recipe, settings, options
        self.strategy, self.workers = strategy, Workers(strategy)
        self.replicas = strategy.num_replicas_in_sync
        self.workers.agree(self._alike())
        self.workers.together(self._load)
        if self.workers.is_chief:
            for line in self.data_set.description:
                print(line)
        self.workers.agree(
            {
                "the fingerprint of the data": self.data_set.fingerprint,
                "the fingerprint of the stream": self.identity.get("shards"),
                "the weights of --init": self.identity.get("init"),
            }
        )
        self.settings = self._resolved()
        self.workers.together(self._make)

    def _alike(self) -> dict[str, Any]:
        """The settings that must be the same on all workers, before there are data."""
        options = [field for field in fields(Options) if field.name in _ALIKE]
        return {
            "the recipe": self.recipe.name,
            "the recipe file's content": self.recipe.content,
            **{field.flag: getattr(self.asked, field.name) for field in fields(type(self.asked))},
            **{field.flag: getattr(self.options, field.name) for field in options},
            "the number of replicas": self.replicas,
            **{f"the version of {name}": version for name, version in versions().items()},
        }

    def _load(self) -> None:
        """Loads the model to start from, if any, and loads and scales the data."""
        init, trusted = self.asked.init, self.options.trust_recipe
        self._initial = Run.open(init, trusted).gan() if init else None
        shards = None
        if self.options.stream:
            self.data_set, shards = self._open_shards()
        else:
            self.data_set = self.recipe.load_data(
                self.asked, self.options.data_dir, self.options.download, self.options.cache_dir
            )
        self.training_set = self.recipe.training_set(self.asked, self.data_set)
        scale = "identity"
        if isinstance(self.asked, Settings) and self.data_set.is_image:
            scale = self.asked.preprocessing
            if scale == "identity" and self.recipe.content is None:  # a user's G may be in [0, 1]
                raise InputError(
                    "--preprocessing identity is for points; images need unit_range, "
                    f"symmetric_range or global_contrast. Received: {self.data_set.name}"
                )
        self.preprocessing = preprocessing.fit(scale, self.data_set.train.x)
        # All there are to train on, or, where they are read batch by batch, those in memory.
        train, normalize = self.training_set.train.x, self.preprocessing.normalize
        source: data.Shards | data.Pictures | None = None
        if shards is not None:
            source = dataclasses.replace(shards, transform=normalize)
        elif self.training_set.flip or isinstance(train, np.memmap):
            source = data.Pictures(train, self.training_set.flip, normalize)
            train = source.sample
        self._examples = checked_array(normalize(train))
        self.source = self._examples if source is None else source

    def _make(self) -> None:
        """Makes the model for the data."""
        learned = self.settings.examples_per_epoch(len(self.source))
        self.passes = max(1, learned // len(self.source))
        if isinstance(self.source, data.Pictures):
            x = self.source.x[:learned]
            self.source = dataclasses.replace(self.source, x=x, passes=self.passes)
        elif isinstance(self.source, data.Shards):
            if self.passes > 1:
                raise InputError(
                    "--stream reads each image once in an epoch, and so few would be given "
                    f"{self.passes} times: add --passes 1, or leave out --stream"
                )
            self.source = dataclasses.replace(self.source, split=f"train[:{learned}]")
        else:
            self.source = np.concatenate([self.source[:learned]] * self.passes)
        self.training_data = self._training_data(self.settings)
        self.size = self.training_data.size
        group = self.settings.examples_per_step
        self.steps_per_epoch, self.dropped_examples = divmod(self.size, group)
        if not self.steps_per_epoch:
            raise InputError(
                f"{self.data_set.name} has {self.size} training examples, fewer than a step takes: "
                f"{group} (--batch-size x --discriminator-steps); lower --batch-size"
            )
        self.gan = self._make_gan()
        if self.gan.user_metrics and not self.workers.alone:
            # To read their variables all workers are needed, and the chief alone saves them.
            raise InputError(
                f"metrics, such as {self.gan.user_metrics[0].name!r}, cannot be saved on several "
                "workers; leave them out of what the recipe gives `compile`, or train on one host"
            )
        self.gan.check_minibatch(self.settings.batch_size)
        _check_loadable(self.gan)
        self.labels = self._labels()

    def _open_shards(self) -> tuple[data.DataSet, data.Shards]:
        dataset, options = getattr(self.asked, "dataset", self.recipe.name), self.options
        if self.recipe.has_own_data or dataset in data.OWN_NAMES:
            raise InputError(
                f"--stream reads data sets of tensorflow-datasets; {dataset} fits in memory"
            )
        if data.is_path(dataset):
            raise InputError(
                "--stream reads data sets of tensorflow-datasets; pictures of a folder or an "
                "archive stay on disk without it: leave it out"
            )
        if isinstance(self.asked, data.PictureOptions):
            self._check_unchanged(self.asked)
        if hasattr(self.recipe.module, "training_set"):
            raise InputError("--stream reads images without their labels; leave it out")
        return data.open_shards(
            dataset, options.data_dir, options.download, options.shuffle_mebibytes << 20
        )

    def _check_unchanged(self, asked: data.PictureOptions) -> None:
        """Refuses options for pictures, which a stream reads as they are stored."""
        options = {field.name for field in fields(data.PictureOptions)}
        for field in fields(type(self.asked)):
            value = getattr(asked, field.name)
            usual = ("none", field.default) if field.name == "classes" else (field.default,)
            if field.name in options and value not in usual:
                raise InputError(
                    f"--stream reads images as they are stored: leave out {field.flag}. "
                    f"Received: {value}"
                )

    def _training_data(self, settings: RunSettings) -> TrainingData:
        return TrainingData.of(
            settings,
            self._examples,
            # Of a stream the images alone are read.
            None if self.options.stream else self.training_set.train.y,
            size=len(self.source),
            label_names=self.data_set.label_names,
        )

    def _resolved(self) -> RunSettings:
        """The recipe's settings, with the values that an earlier session resolved, if any did."""
        asked = self.asked
        if type(asked).resolve is RunSettings.resolve:
            return asked

        def of_chief() -> dict[str, Any]:
            settings = asked
            if self.workers.is_chief and (self.run_dir / "config.json").is_file():
                run = Run.open(self.run_dir)
                if not run_config.differences(run.identity, self.identity):
                    planned = [session["epochs"] for session in run.config["sessions"][:1]]
                    if asked.plans_by_epochs and planned and asked.epochs > planned[0]:
                        print(
                            f"learning rates and the like were planned for {planned[0]} epochs and "
                            "stay so; a run with another --run-dir is planned anew"
                        )
                    settings = type(asked)(**{**run.settings, **self._of_this_session()})
            return dataclasses.asdict(settings.resolve(self._training_data(settings)))

        resolved = json.loads(self.workers.from_chief(json.dumps(self.workers.together(of_chief))))
        return type(asked)(**{**resolved, **self._of_this_session(), "epochs": resolved["epochs"]})

    def _of_this_session(self) -> dict[str, Any]:
        """Settings that another session of a run may change: its length, and places of files."""
        names = ("epochs", "dataset", "classes", "init")
        return {name: getattr(self.asked, name) for name in names if hasattr(self.asked, name)}

    def _make_gan(self) -> GAN:
        steps = self.options.steps_per_execution or _steps_per_execution(self.steps_per_epoch)
        with self.settings.policy(), self.strategy.scope():
            gan, arguments = self.recipe.build(self.settings, self.training_data)
            if self._initial is not None:
                taken = transfer.start_from(gan, self._initial, self.settings.freeze)
                if self.workers.is_chief:
                    print(f"starting from {self.asked.init}: {taken}")
            try:
                gan.compile(
                    **arguments,
                    steps_per_execution=steps,
                    accumulate=self.options.accumulate,
                )
            except TypeError as error:
                raise InputError(
                    f"the arguments of `compile` from {self.recipe.source} cannot be used: "
                    f"{first_line(error)}"
                ) from error
        return gan

    def _labels(self) -> np.ndarray | None:
        check, labels = self.gan.label_check, self.training_set.train.y
        if check is None:
            return None
        if self.options.stream:
            raise InputError("--stream reads images without their labels; leave it out")
        if labels is None:
            raise InputError(
                f"recipe {self.recipe.name!r} learns from labels, which {self.data_set.name} lacks"
            )
        check.check(labels)
        return np.concatenate([labels] * self.passes)[: len(self.source)]

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that changes a number: settings as given, data, and a user's file."""
        settings = dataclasses.asdict(self.asked)
        del settings["epochs"]
        if self._initial is None:
            del settings["init"], settings["freeze"]
        else:
            settings["init"] = transfer.fingerprint(self._initial)
        # The fingerprint stands for files: where they lie changes no number.
        if data.is_path(settings.get("dataset", "")):
            settings["dataset"] = os.path.basename(data.place(settings["dataset"]))
        if "classes" in settings:
            settings["classes"] = os.path.basename(settings["classes"])
        identity = {"recipe": self.recipe.name, **settings, "data": self.data_set.fingerprint}
        if self.recipe.content is not None:
            identity["recipe_file"] = self.recipe.content
        if isinstance(self.source, data.Shards):
            identity["shards"] = self.source.fingerprint
            identity["shuffle_mebibytes"] = self.options.shuffle_mebibytes
        return identity

    @property
    def run_dir(self) -> Path:
        """Where the run goes."""
        default = f"runs/{self.recipe.name}-{run_config.identity_hash(self.identity)}"
        return presets.directory(self.options.run_dir or default)


def _check_loadable(gan: GAN) -> None:
    """Refuses what could not be saved after training, or saved but not loaded any more."""
    layers = [layer for network in gan.networks for layer in all_layers(network)]
    for item in (*layers, *gan.auxiliary_networks, gan.condition, gan.prior):
        kind = type(item)
        known = keras.saving.get_registered_object(keras.saving.get_registered_name(kind))
        if item is not None and known is None and kind.__module__.partition(".")[0] != "keras":
            raise InputError(
                f"a model with {kind.__name__} could be saved, but not loaded: decorate the class "
                "with @keras.saving.register_keras_serializable()"
            )
    try:
        json.dumps(gan.get_compile_config(), default=str)
    except Exception as error:
        raise InputError(
            f"the model could not be saved after training: {first_line(error)}; give the loss and "
            "the optimizers a method `get_config`"
        ) from error


def _steps_per_execution(steps_per_epoch: int) -> int:
    """The largest divisor of an epoch up to 10: few calls, and progress that still moves."""
    return max(d for d in range(1, 11) if steps_per_epoch % d == 0)
