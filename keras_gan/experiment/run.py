"""The run directory: the only thing that commands share (its files: docs/architecture.md).

`config.json` keeps apart the *identity*, every setting that changes a number, which never changes,
and the *sessions*: devices and epochs asked for, which may. One process at a time owns a
directory, by a lock of the operating system.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import platform
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import filelock
import keras
import numpy as np

from keras_gan import conditioning, priors
from keras_gan.core.errors import InputError, first_line
from keras_gan.data import preprocessing
from keras_gan.training import sampling
from keras_gan.training.inference import Inference, among

FORMAT = 1
BEST = ("best", "best_ema")  # by validation likelihood; each has a file of that name
WEIGHTS = ("last", "ema", *BEST)
_PACKAGES = (
    "keras_gan",
    "tensorflow",
    "keras",
    "numpy",
    "tensorflow-probability",
    "tensorflow-datasets",
)


def identity_hash(identity: dict[str, Any]) -> str:
    """8 hexadecimal digits that stand for an identity."""
    text = json.dumps(identity, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


class Run:
    """A run directory.

    Attributes:
        path: The directory.
        config: Contents of `config.json`.
    """

    def __init__(self, path: Path, config: dict[str, Any]):
        self.path = path
        self.config = config

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Opens an existing run directory.

        Raises:
            InputError: It is none, or of a later format.
        """
        path = Path(path)
        file = path / "config.json"
        if not file.is_file():
            raise InputError(
                f"{path} is not a run directory: it has no config.json; `train` makes one"
            )
        try:
            config = json.loads(file.read_text())
            version = config["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file} cannot be read as the configuration of a run") from error
        if version != FORMAT:
            raise InputError(
                f"{path} has format {version}; this version of keras_gan reads {FORMAT}"
            )
        return cls(path, config)

    @classmethod
    def create_or_open(
        cls, path: str | Path, identity: dict[str, Any], facts: dict[str, Any]
    ) -> Run:
        """Makes a run directory, or opens the one of the same identity.

        Args:
            path: The directory.
            identity: Every setting that changes a number, as JSON can hold it.
            facts: What readers need besides: preprocessing, shapes, provenance.

        Raises:
            InputError: The directory belongs to another run, or cannot be written.
        """
        path = Path(path)
        if (path / "config.json").exists():
            run = cls.open(path)
            theirs = run.config["identity"]
            keys = sorted(set(theirs) | set(identity))
            differs = [key for key in keys if theirs.get(key) != identity.get(key)]
            if "pretrained" in run.config:
                raise InputError(
                    f"{path} keeps a trained model, without the state that training goes on from; "
                    "choose another --run-dir"
                )
            if differs:
                changes = ", ".join(
                    f"{k}: {theirs.get(k)!r} there, {identity.get(k)!r} now" for k in differs
                )
                raise InputError(f"{path} holds another run ({changes}); choose another --run-dir")
            return run
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} exists and is not a run directory; choose another --run-dir")
        config = {
            "format": FORMAT,
            "identity": identity,
            **facts,
            "versions": versions(),
            "sessions": [],
        }
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
        """Holds the directory for this process.

        Raises:
            InputError: Another process holds it.
        """
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
        self._write_config()

    def _write_config(self) -> None:
        write_atomically(self.path / "config.json", json.dumps(self.config, indent=1, default=str))

    # ------------------------------------------------------------- contents

    @property
    def identity(self) -> dict[str, Any]:
        """Every setting that changes a number."""
        return self.config["identity"]

    @property
    def checkpoints(self) -> str:
        """Folder or URL of the checkpoints."""
        return self.config.get("checkpoint_dir") or str(self.path / "checkpoints")

    @property
    def epochs_done(self) -> int:
        """Epochs behind the finished model; 0 if there is none."""
        return self.config.get("epochs_done", 0) if self.finished else 0

    @property
    def finished(self) -> bool:
        """Whether training came to an end that was asked for."""
        return self.model_file("last").is_file()

    def model_file(self, name: str) -> Path:
        """The file of a model: "last", "generator" or one of `BEST`."""
        return self.path / "models" / f"{name}.keras"

    def save_models(self, gan: keras.Model, epochs: int) -> None:
        """Saves the finished GAN, and its generator alone."""
        self._save(gan, "last")
        self._save(gan.generator, "generator")
        self.config["epochs_done"] = epochs
        self._write_config()

    def save_best(self, weights: str, generator: keras.Model) -> None:
        """Saves a generator, "best" or "best_ema", whose validation likelihood is its best."""
        self._save(generator, weights)

    def _save(self, model: keras.Model, name: str) -> None:
        final = self.model_file(name)
        final.parent.mkdir(exist_ok=True)
        temporary = final.with_name(f".{name}.tmp.keras")
        try:
            model.save(temporary)
            temporary.rename(final)
        finally:
            temporary.unlink(missing_ok=True)

    def gan(self) -> keras.Model:
        """The finished model.

        Raises:
            InputError: The run has none yet.
        """
        return self._load("last")

    def generator(self, weights: str = "last") -> keras.Model:
        """The generator of the finished run.

        Args:
            weights: "last", as training left it; "averaged", the moving average of its weights;
                "best" and "best_ema", as each was after the epoch with its best validation
                likelihood.

        Raises:
            InputError: The run has no such weights.
        """
        if weights not in WEIGHTS:
            raise InputError(f"unknown weights {weights!r}; choose from {', '.join(WEIGHTS)}")
        if weights in BEST:
            return self._load(weights)
        gan = self.gan()
        if weights == "last":
            return gan.generator
        if gan.ema_generator is None:
            raise InputError(
                f"{self.path} keeps no EMA weights; choose other --weights, or train with "
                "--ema-momentum 0.999"
            )
        return gan.ema_generator

    def inference(self) -> Inference:
        """The inference network of the finished run.

        Raises:
            InputError: The run has none.
        """
        found = among(self.gan().auxiliary_networks)
        if found is not None:
            return found
        raise InputError(
            f"{self.path} has no inference network; train one with --recipe digits_inference or "
            "mnist_inference"
        )

    @property
    def prior(self) -> priors.Prior:
        """The prior of z."""
        return priors.NAMES[self.identity["prior"]](self.identity["latent_dim"])

    @property
    def preprocessing(self) -> preprocessing.Preprocessing:
        """The scale of the networks, and the way back."""
        return preprocessing.from_config(self.config["preprocessing"])

    @property
    def condition(self) -> conditioning.Condition | None:
        """What the networks are conditioned on, if anything."""
        self._import_recipe()
        return keras.saving.deserialize_keras_object(self.config.get("condition"))

    def samples(
        self, n: int, seed: int = 0, weights: str = "last", condition: Any = None
    ) -> np.ndarray:
        """Samples in [0, 1] (points: on their own scale), float32 `[n, ...]`."""
        return self.sampler(weights)(n, seed, condition)

    def sampler(self, weights: str = "last") -> Callable[..., np.ndarray]:
        """`samples` as a function of (n, seed, condition): the model is loaded once for all."""
        sampler = sampling.Sampler(self.generator(weights), self.prior, self.condition)
        return lambda n, seed, condition=None: self.preprocessing.denormalize(
            sampler(n, seed, condition)
        )

    def _load(self, name: str) -> keras.Model:
        file = self.model_file(name)
        if not file.is_file() and name == "last":
            raise InputError(
                f"{self.path} has no finished model; run the same train command to finish it"
            )
        if not file.is_file():
            raise InputError(
                f"{self.path} has no {name} model: it measured no validation likelihood of these "
                "weights, or an earlier version trained it; choose other --weights"
            )
        self._import_recipe()
        try:
            return keras.saving.load_model(file)
        except TypeError as error:  # Keras names the class somewhere in a long text
            unknown = re.search(r"Could not locate \w+ '[^']+'", str(error))
            what = f"{unknown[0]}; import first what defines it" if unknown else first_line(error)
            raise InputError(f"{file} cannot be loaded: {what}") from error

    def _import_recipe(self) -> None:
        """Runs a user's recipe file: it may define classes that a model is made of."""
        recipe = Path(self.config.get("recipe", ""))
        if recipe.suffix == ".py" and recipe.is_file():
            import_file(recipe)

    # -------------------------------------------------------------- metrics

    @property
    def metrics_file(self) -> Path:
        """The table of epochs."""
        return self.path / "metrics.csv"

    def metrics(self) -> dict[str, list[float]]:
        """The table of epochs by column.

        Raises:
            InputError: There is none yet.
        """
        if not self.metrics_file.is_file():
            raise InputError(f"{self.path} has no metrics.csv: no epoch was completed")
        with self.metrics_file.open(newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ())}

    def add_metrics(self, epoch: int, logs: dict[str, float]) -> None:
        """Writes the row of an epoch; rows from it on, of an interrupted session, go."""
        row = {"epoch": epoch, **{name: repr(float(value)) for name, value in logs.items()}}
        rows: list[dict[str, str]] = []
        if self.metrics_file.is_file():
            with self.metrics_file.open(newline="") as file:
                rows = [old for old in csv.DictReader(file) if int(old["epoch"]) < epoch]
        text = io.StringIO()
        columns = dict.fromkeys([*(rows[0] if rows else ()), *row])
        table = csv.DictWriter(text, list(columns), restval="nan")
        table.writeheader()
        table.writerows([*rows, row])
        write_atomically(self.metrics_file, text.getvalue())


def import_file(path: Path) -> types.ModuleType:
    """Runs a user's Python file as a module of its own.

    Raises:
        InputError: It is no Python file, or it cannot be run.
    """
    name = f"recipe_{hashlib.blake2b(str(path.resolve()).encode(), digest_size=4).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file; a recipe file's name ends in .py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(
            f"the recipe file {path} fails: {type(error).__name__}: {error}"
        ) from error
    return module


def write_atomically(path: Path, text: str) -> None:
    """Writes a text file so that readers see the old or the new, never half."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found
