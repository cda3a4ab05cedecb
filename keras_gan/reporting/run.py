"""`keras_gan.Run`: a run directory, and the preset that is made of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from keras_gan import plotting, presets
from keras_gan.core.files import new_folder, write_atomically
from keras_gan.experiment import run as runs
from keras_gan.reporting import card, facts
from keras_gan.training import preset_files

_COLUMNS = 8  # of the grid of samples; one for each class, if there are at most 12
# Places on this machine.
_MACHINE = (*presets.PLACES, "checkpoint_dir")


class Run(runs.Run):
    """A run directory: `keras_gan.experiment.run.Run`, and what is written about it.

    `Run.open` opens one. Each model file is read once; `gan` and its like return the same objects
    each time.

    Attributes:
        path: The directory.
        config: Contents of `config.json`.
        trust_recipe: Whether the recipe file that the run names, if any, may be run.
    """

    def to_preset(
        self,
        directory: str | os.PathLike[str],
        weights: str = "last",
        *,
        condition: Any = None,
        license: str = "unknown",
    ) -> Run:
        """Writes the finished model as a preset, with its numbers, samples and a model card.

        Absolute paths are removed, and so is what only training needs.

        Args:
            directory: A new directory.
            weights: Weights of the generator, as for `generator`.
            condition: The condition of the samples, as for `GAN.save_to_preset`.
            license: Identifier of its license on Hugging Face, such as "apache-2.0", for the card.

        Returns:
            The preset, opened.

        Raises:
            InputError: The directory exists, the run has no such weights, or they do not fit into
                float16.
        """
        generator = self.generator(weights)
        config = {key: value for key, value in self.config.items() if key not in _MACHINE}
        if self.recipe_file:
            config["recipe"] = self.identity["recipe"]
        config = presets.without_folders(config, self.config)
        config |= {"data_dir": None, "epochs_done": self.epochs_done}
        about = {"weights": weights, "epoch": self.epoch_of(weights)}
        config["preset"] = about | self.config.get("preset", {})
        with new_folder(directory) as folder:
            preset_files.write(folder, self.gan(), generator, config, condition)
            if self.metrics_file.is_file():
                write_atomically(folder / "metrics.csv", self.metrics_file.read_bytes())
            evaluation = self.path / "evaluation.json"
            found = json.loads(evaluation.read_text()) if evaluation.is_file() else {}
            if weights in found:
                measured = presets.without_folders({"last": found[weights]}, self.config)
                write_atomically(folder / "evaluation.json", json.dumps(measured, indent=1) + "\n")
            describe(folder, Path(directory).resolve().name, license)
        return type(self).open(presets.directory(directory))


def describe(folder: Path, name: str, license: str) -> None:
    """Writes the picture of the samples, the model card and the checksums of a preset.

    Args:
        folder: The preset, all else of which is written.
        name: Its name.
        license: As for `Run.to_preset`.
    """
    run = Run(folder, json.loads((folder / "config.json").read_text(encoding="utf-8")))
    if len(run.config["example_shape"]) == 3:
        classes = (run.config.get("condition") or {}).get("count", _COLUMNS)
        samples = run.preprocessing.denormalize(presets.samples(folder)["examples"])
        picture = plotting.grid(samples, classes if classes <= 12 else _COLUMNS)
        plotting.save_image(picture, folder / "samples.png")
    handle = name if name in presets.BUILT_IN else f"./{name}"
    text = card.write(facts.of_run(run, handle), run.config, handle, license)
    write_atomically(folder / "README.md", text)
    presets.seal(folder)
