"""`python -m reproduce.convert RUN NEW`: a finished run of format 1 as one of format 2.

The new directory can be sampled, measured, drawn and exported; training does not continue it. It
has no evaluation.json: measure it again.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import keras

from keras_gan import GAN, recipes
from keras_gan.cli import parsing
from keras_gan.core.errors import InputError
from keras_gan.core.files import new_folder, write_atomically
from keras_gan.core.settings import fields
from keras_gan.experiment.run import Run
from keras_gan.training import model_files, run_config

_RECIPES = {"digits_completion": "digits_inpainting", "mnist_completion": "mnist_inpainting"}
_SETTINGS = {
    "averaging": "ema_momentum",
    "jit": "jit_compile",
    "companion_learning_rate": "auxiliary_learning_rate",
    "labelled_share": "labeled_share",
}
_WEIGHTS = {"averaged": "ema", "best_averaged": "best_ema"}
_COLUMNS = {
    "discriminator_loss": "d_loss",
    "generator_loss": "g_loss",
    "real_output": "d_real",
    "fake_output": "d_fake",
    "real_accuracy": "d_real_accuracy",
    "fake_accuracy": "d_fake_accuracy",
    "val_log_likelihood_averaged": "val_log_likelihood_ema",
    "alarms": "warnings",
}
_CLASSES = {"keras_gan>Known": "keras_gan>Inpainting", "keras_gan>Values": "keras_gan>Vectors"}


def convert(old: Path, new: Path) -> Run:
    """Makes the new directory.

    Raises:
        InputError: The old one is not a finished run of format 1, or the new one exists.
    """
    try:
        config = json.loads((old / "config.json").read_text())
        good = config["format"] == 1 and (old / "models" / "last.keras").is_file()
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{old} cannot be read as a run: {error}") from error
    if not good:
        raise InputError(f"{old} is not a finished run of format 1")
    with new_folder(new) as folder:
        run = Run(folder, _config(config))
        (folder / "models").mkdir()
        _gan(old / "models" / "last.keras").save(run.model_file("last"))
        if run.config.get("preset", {}).get("precision") == "float16":
            model_files.halve(run.model_file("last"))
        for file in (old / "models").glob("*.keras"):
            if file.stem != "last":  # a generator alone
                shutil.copyfile(file, run.model_file(_WEIGHTS.get(file.stem, file.stem)))
        if (old / "metrics.csv").is_file():
            write_atomically(run.metrics_file, _metrics((old / "metrics.csv").read_text()))
        write_atomically(folder / "config.json", json.dumps(run.config, indent=1) + "\n")
    return Run.open(new)


def _config(old: dict[str, Any]) -> dict[str, Any]:
    before = dict(old["identity"])
    name = _RECIPES.get(before["recipe"], before["recipe"])
    values = {_SETTINGS.get(key, key): value for key, value in before.items()}
    if before.get("optimizer") == "adam":
        values["beta_1"] = values["momentum"]
    settings = values
    if name in recipes.NAMES:
        known = [field.name for field in fields(recipes.get(name).settings)]
        settings = {key: values[key] for key in known if values.get(key) is not None}
    kept = {key: values[key] for key in ("data", "shards", "shuffle_mebibytes") if key in values}
    new = {
        **old,
        "format": run_config.FORMAT,
        "identity": {"recipe": name, **settings, **kept},
        "settings": settings,
        "recipe": _RECIPES.get(old["recipe"], old["recipe"]),
    }
    new.pop("condition", None)
    small = new.pop("kept", None)
    if small is None:
        return {**new, "converted": True}
    weights = _WEIGHTS.get(small["weights"], small["weights"])
    return {**new, "preset": {**small, "weights": weights}}


def _metrics(text: str) -> str:
    table = io.StringIO()
    writer = csv.writer(table)
    columns, *rows = csv.reader(io.StringIO(text))
    writer.writerow([_COLUMNS.get(column, column) for column in columns])
    writer.writerows([["" if cell == "nan" else cell for cell in row] for row in rows])
    return table.getvalue()


def _gan(file: Path) -> GAN:
    with zipfile.ZipFile(file) as archive:
        config = _renamed(json.loads(archive.read("config.json"))["config"])
        weights = archive.read("model.weights.h5")
    config["ema"] = config.pop("averaging", None)
    config["auxiliary_networks"] = config.pop("companions", [])
    gan = GAN.from_config(config)
    with h5py.File(io.BytesIO(weights)) as stored:
        _load(gan.generator, stored["generator"])
        _load(gan.discriminator, stored["discriminator"])
        if gan.ema_generator is not None:
            _load(gan.ema_generator, stored["averaged_generator"])
        groups = list(stored["layers"].values()) if gan.auxiliary_networks else []
        for auxiliary, group in zip(gan.auxiliary_networks, groups, strict=True):
            _load(auxiliary.network, group)
        gan.step.assign(stored["vars/0"][()])
    return gan


def _renamed(value: Any) -> Any:
    """A configuration with the new names of classes."""
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: _renamed(item) for key, item in value.items()}
    if new := _CLASSES.get(value.get("registered_name")):
        value |= {"registered_name": new, "class_name": new.partition(">")[2]}
    return value


def _load(network: keras.Model, group: h5py.Group) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.weights.h5")
        with h5py.File(file, "w") as target:
            for name in group:
                group.copy(name, target)
        network.load_weights(file)


@parsing.command("convert")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    parser = parsing.Parser(prog="python -m reproduce.convert", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="run directory of an earlier version")
    parser.add_argument("new", metavar="NEW", help="the new directory")
    options = parser.parse_args(argv)
    print(f"converted: {convert(Path(options.run), Path(options.new)).path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
