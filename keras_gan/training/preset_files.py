"""From a `GAN` to the files of a preset, and back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_gan import presets
from keras_gan.conditioning import Classes
from keras_gan.core.errors import InputError
from keras_gan.core.files import write_atomically
from keras_gan.core.versions import versions
from keras_gan.data import Preprocessing
from keras_gan.data.preprocessing import checked
from keras_gan.training import model_files, precision, run_config

if TYPE_CHECKING:
    from keras_gan.training.gan import GAN

_SAMPLES, _SEED = 40, 0


def load(handle: str | os.PathLike[str]) -> keras.Model:
    """The model of a preset; nothing of it is run as Python.

    Raises:
        InputError: There is no such preset, or it cannot be used.
    """
    directory = presets.find(handle)
    if not presets.is_preset(directory):
        raise InputError(
            f"{handle} is not a preset; give the name of a built-in one "
            f"({', '.join(presets.BUILT_IN)}), a directory with a file SHA256SUMS, hf://USER/REPO "
            "or kaggle://USER/MODEL/keras/NAME. keras_gan.Run.open opens a run"
        )
    run_config.read(directory)
    return model_files.load(directory / "models" / "last.keras")


def describe(gan: GAN, name: str, preprocessing: Preprocessing) -> dict[str, Any]:
    """The configuration of a GAN of which nothing else is known."""
    return {
        "format": run_config.FORMAT,
        "identity": {"recipe": name},
        "recipe": "",
        "preprocessing": checked(preprocessing).get_config(),
        "data_dir": None,
        "example_shape": list(gan.example_shape),
        "provenance": "",
        "versions": versions(),
        "sessions": [],
        "settings": {},
    }


def write(
    folder: Path, gan: GAN, generator: keras.Model, config: dict[str, Any], condition: Any = None
) -> dict[str, Any]:
    """Writes the model, samples of the model as it is stored, and the configuration.

    Args:
        folder: Where to; it exists.
        gan: The model.
        generator: Its generator, or another with the weights that are wanted.
        config: The configuration, with an entry "preset" about the weights.
        condition: The condition of the 40 samples, an array as for `GAN.generate`; by
            default each class in turn, and any other condition is drawn.

    Returns:
        The configuration as it was written.

    Raises:
        InputError: float16 cannot hold the weights, or the model cannot be loaded again.
    """
    small = _copy(gan, generator)
    file = folder / "models" / "last.keras"
    file.parent.mkdir()
    small.save(file)
    model_files.halve(file)
    stored: GAN = model_files.load(file)
    if condition is None and isinstance(gan.condition, Classes):
        condition = np.arange(_SAMPLES) % gan.condition.count
    exact, examples = (m.generate(_SAMPLES, _SEED, condition=condition) for m in (small, stored))
    difference = float(np.abs(examples - exact).max())
    if not np.isfinite(difference):
        raise InputError("the weights do not fit into float16, in which presets store them")
    arrays: dict[str, Any] = {"examples": examples, "seed": np.array(_SEED)}
    if condition is not None:
        arrays["condition"] = np.asarray(condition)
        if arrays["condition"].dtype == object:
            raise InputError("the condition of stored samples must be an array of numbers")
    np.savez_compressed(folder / "samples.npz", **arrays)
    facts = {**config["preset"], "precision": "float16", "largest_difference": difference}
    described = gan.condition and gan.condition.describe()
    config = {**config, "condition": described, "preset": facts}
    write_atomically(folder / "config.json", json.dumps(config, indent=1) + "\n")
    return config


def _copy(gan: GAN, generator: keras.Model) -> GAN:
    """The model without what only training needs; of mixed precision, too, in float32.

    In bfloat16 its samples would depend on the processor.
    """
    try:
        config = precision.with_policy({**gan.get_config(), "ema": None}, "float32", "mixed_")
        copy = type(gan).from_config(config)
    except Exception as error:  # the code of users may fail in any way
        raise InputError(
            f"the model cannot be made from its configuration: {model_files.cause(error)}"
        ) from error
    copy.generator.set_weights(generator.get_weights())
    copy.discriminator.set_weights(gan.discriminator.get_weights())
    for new, old in zip(copy.auxiliary_networks, gan.auxiliary_networks, strict=True):
        new.network.set_weights(old.network.get_weights())
    copy.step.assign(gan.step)
    return copy
