"""The run directory: the only thing that commands share (its files: docs/architecture.md).

`config.json` keeps apart the *identity*, every setting that changes a number, which never changes,
and the *sessions*: devices and epochs asked for, which may. One process at a time owns a
directory, by a lock of the operating system.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import filelock
import keras
import numpy as np

from keras_gan import GAN, callbacks, presets  # GAN: all classes that a saved model may need
from keras_gan.conditioning import Condition
from keras_gan.core.arguments import weight
from keras_gan.core.errors import InputError
from keras_gan.core.files import replacing, temporary_name
from keras_gan.core.versions import versions
from keras_gan.data import Identity, Preprocessing
from keras_gan.data.preprocessing import from_config
from keras_gan.experiment import metrics_table
from keras_gan.experiment.recipe import import_file, is_imported
from keras_gan.priors import Prior
from keras_gan.training import model_files, preset_files, run_config, sampling
from keras_gan.training.inference import Inference, among

BEST = ("best", "best_ema")  # by distance, else by likelihood; each has a file of that name
WEIGHTS = ("last", "ema", *BEST)


class Run:
    """A run directory.

    Each model file is read once; `gan` and its like return the same objects each time.

    Attributes:
        path: The directory.
        config: Contents of `config.json`.
        trust_recipe: Whether the recipe file that the run names, if any, may be run.
    """

    def __init__(self, path: Path, config: dict[str, Any], trust_recipe: bool = False):
        self.path = path
        self.config = config
        self.trust_recipe = trust_recipe
        self._models: dict[str, keras.Model] = {}  # by name, those that were read
        self._samplers: dict[tuple[str, float], sampling.Sampler] = {}  # by weights, truncation

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        trust_recipe: bool = False,
        *,
        dataset: str | None = None,
        preprocessing: str | None = None,
    ) -> Self:
        """Opens a run directory, a preset, or a `.keras` file of a whole `GAN`.

        Args:
            path: The directory; the name or handle of a preset (`GAN.from_preset`); or the file.
            trust_recipe: Whether to run the recipe file that the run names, if it names one. It is
                Python code, which may do whatever you may do.
            dataset: Name or place of the data, where the model does not name them: in a `.keras`
                file, or in a preset that `GAN.save_to_preset` wrote.
            preprocessing: Name of the preprocessing, for a `.keras` file: unit_range,
                symmetric_range or identity.

        Raises:
            InputError: It is not one of these, its format is another, or it must not be used; or it
                names its data itself.
        """
        found = presets.find(path)
        if found.suffix == ".keras" and found.is_file():
            if (found.parent.parent / "config.json").is_file() and found.stem == "last":
                run = cls.open(presets.directory(found.parent.parent), trust_recipe)
            else:
                run = cls(found, {})
                run.config = preset_files.describe(run.gan(), found.stem, Identity())
        else:
            run = cls(found, run_config.read(found), trust_recipe)
        if dataset or preprocessing:
            run_config.name_data(run.config, dataset, preprocessing)
        return run

    @classmethod
    def create_or_open(
        cls, path: str | Path, identity: dict[str, Any], facts: dict[str, Any]
    ) -> Run:
        """Makes a run directory with facts for its readers, or opens that of this identity."""
        path = Path(path)
        if (path / "config.json").exists():
            run = cls.open(path)
            if {"preset", "copied", "converted"} & set(run.config):
                raise InputError(
                    f"{path} has a trained model without the state from which training continues; "
                    "choose another --run-dir"
                )
            if changes := ", ".join(run_config.differences(run.identity, identity)):
                raise InputError(
                    f"{path} holds another run ({changes}). More --epochs alone continue it; else "
                    f"choose another --run-dir, with --init {path} to start from its weights"
                )
            moved = ("recipe", *presets.PLACES)  # data, or a recipe file with the same content
            places = {key: facts[key] for key in moved if key in facts}
            if any(run.config.get(key) != place for key, place in places.items()):
                run.config |= places
                run._write_config()
            return run
        # A process that was killed before the rename leaves the temporary file alone.
        begun = {temporary_name(path / "config.json")}
        if path.exists() and (not path.is_dir() or set(path.iterdir()) - begun):
            raise InputError(f"{path} exists and is not a run directory; choose another --run-dir")
        config = {"format": run_config.FORMAT, "identity": identity, **facts}
        config |= {"versions": versions(), "sessions": []}
        try:
            path.mkdir(parents=True, exist_ok=True)
            run = cls(path, config)
            run._write_config()
        except OSError as error:
            raise InputError(
                f"the run directory {path} cannot be written: {error.strerror}"
            ) from error
        return run

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Holds the directory for this process."""
        lock = filelock.FileLock(self.path / ".lock")
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            raise InputError(f"another process is training in {self.path}") from None
        except OSError as error:
            raise InputError(
                f"the run directory {self.path} cannot be written: {error.strerror}"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def begin_session(self, **resources) -> None:
        """Notes the devices and epochs of a process that trains here."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.config["sessions"].append({"started": now, **resources})
        self._began = time.monotonic()
        self._write_config()

    def end_session(self) -> None:
        """Notes how long it took; a disk that refuses to be written has been reported before."""
        self.config["sessions"][-1]["seconds"] = round(time.monotonic() - self._began, 1)
        with contextlib.suppress(OSError):
            self._write_config()

    def _write_config(self) -> None:
        run_config.write(self.path, self.config)

    # ------------------------------------------------------------- contents

    @property
    def identity(self) -> dict[str, Any]:
        """Every setting that changes a number."""
        return self.config["identity"]

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of its recipe, those that the recipe resolved among them, but `epochs`."""
        return self.config["settings"]

    @property
    def checkpoints(self) -> str:
        """Folder or URL of the checkpoints."""
        return self.config.get("checkpoint_dir") or str(self.path / "checkpoints")

    @property
    def epochs_done(self) -> int:
        """Epochs behind the finished model; 0 if the run is not finished."""
        return self.config.get("epochs_done", 0) if self.finished else 0

    @property
    def finished(self) -> bool:
        """Whether training came to an end that was asked for."""
        return model_files.is_whole(self.model_file("last"))  # damaged, it is written once more

    def model_file(self, name: str) -> Path:
        """The file of a model: "last", "generator" or one of `BEST`."""
        if name == "last" and self.path.suffix == ".keras":
            return self.path
        return self.path / "models" / f"{name}.keras"

    def save_models(self, gan: GAN, epochs: int) -> None:
        """Saves the finished GAN, and its generator alone."""
        self._save(gan, "last")
        self._save(gan.generator, "generator")
        self.config["epochs_done"] = epochs
        self._write_config()

    def save_best(self, weights: str, generator: keras.Model, epochs: int | None = None) -> None:
        """Saves a generator, "best" or "best_ema", the best so far, after so many epochs."""
        self._save(generator, weights)
        if epochs is not None:
            self.config.setdefault("best_epochs", {})[weights] = epochs
            self._write_config()

    def _save(self, model: keras.Model, name: str) -> None:
        final = self.model_file(name)
        final.parent.mkdir(exist_ok=True)
        self._models.pop(name, None)
        self._samplers.clear()
        with replacing(final, ".keras") as temporary:
            model.save(temporary)

    def epoch_of(self, weights: str) -> int:
        """The number of epochs behind one of `WEIGHTS`."""
        if weights not in BEST:
            return self.epochs_done
        # The table may lack epochs, or know of a model that was lost. Earlier versions noted none.
        if weights in self.config.get("best_epochs", {}):
            return self.config["best_epochs"][weights]
        estimate, metrics = self.best_by, self.metrics()
        if estimate is callbacks.ValidationDistance:
            row = np.nanargmin(metrics[estimate.column])
        else:
            row = np.nanargmax(metrics[estimate.column + weights.removeprefix("best")])
        return int(metrics["epoch"][row]) + 1

    @property
    def best_by(self) -> type[callbacks.ValidationEstimate]:
        """The callback that has chosen the best weights."""
        by_distance = callbacks.ValidationDistance.column in self.metrics()
        return callbacks.ValidationDistance if by_distance else callbacks.ValidationLikelihood

    def gan(self) -> GAN:
        """The finished model; it is not compiled.

        Raises:
            InputError: The run has none yet.
        """
        return self._load("last")

    def generator(self, weights: str = "last", truncation: float = 1.0) -> keras.Model:
        """The generator of the finished run.

        A preset has one generator, which also answers to the kind of weights that it was made from.

        Args:
            weights: "last", as training left it; "ema", the moving average of its weights;
                "best" and "best_ema", as each was after the epoch with its best Frechet distance
                to validation images or, where none is measured, validation likelihood.
            truncation: What it multiplies latents by, as in `GAN.generate`.

        Raises:
            InputError: The run has no such weights, or an inference network and a truncation.
        """
        if truncation != 1 and among(self.gan().auxiliary_networks):
            raise InputError(f"{self.path} has an inference network: leave out the truncation")
        return sampling.truncated(self._generator(weights), self.prior, truncation)

    def _generator(self, weights: str) -> keras.Model:
        if weights not in WEIGHTS:
            raise InputError(f"unknown weights {weights!r}; choose from {', '.join(WEIGHTS)}")
        if preset := self.config.get("preset"):
            if weights not in ("last", preset.get("weights")):
                raise InputError(f"{self.path} is a preset, whose only weights are 'last'")
            return self.gan().generator
        if weights in BEST:
            return self._load(weights)
        gan = self.gan()
        if weights == "last":
            return gan.generator
        if gan.ema_generator is None:
            raise InputError(
                f"{self.path} has no EMA weights: training kept no moving average of them; choose "
                "the weights 'last'"
            )
        return gan.ema_generator

    def inference(self) -> Inference:
        """The inference network of the finished run; an `InputError` where it has none."""
        network = among(self.gan().auxiliary_networks)
        if network is None:
            raise InputError(
                f"{self.path} has no inference network; train one with --recipe digits_inference "
                "or mnist_inference"
            )
        return network

    @property
    def prior(self) -> Prior:
        """The prior of z."""
        return self.gan().prior

    @property
    def condition(self) -> Condition | None:
        """The condition of the networks, or None."""
        return self.gan().condition

    @property
    def preprocessing(self) -> Preprocessing:
        """The scale of the networks, and the way back."""
        return from_config(self.config["preprocessing"])

    def samples(
        self,
        n: int,
        seed: int = 0,
        weights: str = "last",
        condition: Any = None,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """Samples in [0, 1] (points: on their own scale), float32 `[n, ...]`."""
        return self.sampler(weights, truncation)(n, seed, condition)

    def sampler(self, weights: str = "last", truncation: float = 1.0) -> sampling.Sampler:
        """`samples` as a function of its other arguments, whose graph is traced once."""
        if (key := (weights, weight("truncation", truncation))) not in self._samplers:
            networks = self.generator(*key), self.prior, self.condition
            self._samplers[key] = sampling.Sampler(*networks, self.preprocessing.denormalize)
        return self._samplers[key]

    def batches(
        self, n: int, seed: int = 0, weights: str = "last", truncation: float = 1.0
    ) -> Iterator[np.ndarray]:
        """`samples` in batches, so that not all need to be in memory."""
        return self.sampler(weights, truncation).batches(n, seed)

    def _load(self, name: str) -> Any:
        if name in self._models:
            return self._models[name]
        file = self.model_file(name)
        if not file.is_file() and name == "last":
            raise InputError(
                f"{self.path} has no finished model; run the same train command to finish it"
            )
        if not file.is_file():
            raise InputError(
                f"{self.path} has no {name} model: neither distances nor likelihoods of these "
                "weights were measured; choose other --weights"
            )
        recipe = self.recipe_file
        if recipe is not None and recipe.is_file() and not self._distrusted:
            import_file(recipe)  # it may define classes that a model is made of
        model = model_files.load(file, self._distrusted)
        if name == "last" and not isinstance(model, GAN):
            raise InputError(f"{file} holds no keras_gan.GAN, but a {type(model).__name__}")
        self._models[name] = model
        return model

    # --------------------------------------------------------------- recipe

    @property
    def recipe_file(self) -> Path | None:
        """The Python file that the run names as its recipe; None for one of keras_gan's own."""
        source = str(self.config.get("recipe", ""))
        return Path(source) if source.endswith(".py") else None

    def recipe(self) -> str:
        """The name of the run's recipe, or the file of one that may be run.

        Raises:
            InputError: It is a file that is not trusted.
        """
        if self._distrusted:
            raise InputError(f"{self.path}: {self._distrusted}")
        return str(self.config.get("recipe"))

    @property
    def _distrusted(self) -> str:
        """Why the recipe file may not be run; empty if it may, or if this process has run it."""
        file = self.recipe_file
        if file is None or self.trust_recipe or is_imported(file):
            return ""
        return (
            f"the run names the recipe file {file}, which may contain any Python code; if you "
            "trust it, add --trust-recipe (in Python: trust_recipe=True)"
        )

    # -------------------------------------------------------------- metrics

    @property
    def metrics_file(self) -> Path:
        """The table of epochs."""
        return self.path / "metrics.csv"

    def metrics(self) -> dict[str, list[float]]:
        """The table of epochs by column, NaN where a value was not measured."""
        return metrics_table.read(self.metrics_file)
