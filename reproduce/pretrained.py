"""`pretrained/`: finished runs in a few megabytes: a clone can sample, draw, export and serve.

Such a run is a run directory like any other, without what only training needs. Its one model holds
the chosen weights of G, which are its "last" ones, and the other networks as training left them.
Its weights lie in the file as float16, and Keras casts them to float32 when it loads them.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np

from keras_gan import recipes
from keras_gan.core.errors import InputError
from keras_gan.core.files import write_atomically
from keras_gan.experiment.run import Run
from reproduce.results import ROOT
from reproduce.runs import epoch_of, validation_images, validation_nats

_SAMPLES, _SEED = 10_000, 0


def store(run: Run, weights: str = "last", output: Path | None = None) -> Run:
    """Makes a small copy of a finished run and notes in its configuration what was lost.

    Args:
        run: A run on images.
        weights: One of `keras_gan.experiment.run.WEIGHTS`: what the copy's generator has.
        output: The new directory; `pretrained/<recipe>` of this repository by default.

    Raises:
        InputError: The directory exists, or the run has no such weights.
    """
    output = output or ROOT / "pretrained" / run.identity["recipe"]
    if output.exists():
        raise InputError(f"--output {output} exists; remove it or choose another")
    if len(run.config["example_shape"]) != 3:
        raise InputError(f"{run.path} is no run on images, and only those are stored")
    generator, gan = run.generator(weights), run.gan()
    small = type(gan).from_config({**gan.get_config(), "ema": None})
    small.generator.set_weights(generator.get_weights())
    small.discriminator.set_weights(gan.discriminator.get_weights())
    for new, old in zip(small.auxiliary_networks, gan.auxiliary_networks, strict=True):
        new.network.set_weights(old.network.get_weights())
    small.step.assign(gan.step)

    half = output.with_name(f".{output.name}.tmp")
    shutil.rmtree(half, ignore_errors=True)
    stored = Run(
        half,
        {
            **run.config,
            "data_dir": None,
            "dataset": run.identity["dataset"],
            "pretrained": {"weights": weights, "epoch": epoch_of(run, weights)},
        },
    )
    file = stored.model_file("last")
    file.parent.mkdir(parents=True)
    small.save(file)
    halve(file)
    shutil.copyfile(run.metrics_file, stored.metrics_file)
    evaluation = run.path / "evaluation.json"
    found = json.loads(evaluation.read_text()) if evaluation.is_file() else {}
    if weights in found:
        text = json.dumps({weights: found[weights]}, indent=1)
        write_atomically(half / evaluation.name, text + "\n")
    stored.config["pretrained"] |= _loss(run, weights, stored)
    write_atomically(half / "config.json", json.dumps(stored.config, indent=1) + "\n")
    half.rename(output)
    return Run.open(output)


def _loss(run: Run, weights: str, stored: Run) -> dict:
    """What half precision costs: in pixels of the same samples, and in nats."""
    validation = validation_images(recipes.data_of(run), run.preprocessing)
    samples = [
        one.samples(_SAMPLES, _SEED, which) for one, which in ((run, weights), (stored, "last"))
    ]
    nats = [validation_nats(images, validation) for images in samples]
    return {
        "precision": "float16",
        "samples": _SAMPLES,
        "seed": _SEED,
        "largest_pixel_difference": float(np.abs(samples[1] - samples[0]).max()),
        "validation_log_likelihood": nats[1],
        "validation_log_likelihood_in_float32": nats[0],
        "validation": len(validation),
    }


def halve(file: Path) -> None:
    """Stores the float32 arrays of a `.keras` file as float16."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    stored = io.BytesIO()
    with (
        h5py.File(io.BytesIO(parts["model.weights.h5"])) as source,
        h5py.File(stored, "w") as target,
    ):
        _copy(source, target)
    parts["model.weights.h5"] = stored.getvalue()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _copy(source: h5py.Group, target: h5py.Group) -> None:
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy(item, target.create_group(name))
        else:
            array = item[()]
            target[name] = array.astype(np.float16) if array.dtype == np.float32 else array
