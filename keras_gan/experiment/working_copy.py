"""Where commands write results about a model that others may use as well."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from keras_gan import presets
from keras_gan.core.errors import InputError
from keras_gan.core.files import new_folder, sha256
from keras_gan.experiment.run import Run
from keras_gan.training import run_config


def working_copy(run: Run) -> Run:
    """A run as it is; of a preset or a `.keras` file the run `runs/NAME`, a copy of it.

    Raises:
        InputError: There is something else at `runs/NAME`.
    """
    if not run.path.is_file() and not presets.is_preset(run.path):
        return run
    model = run.model_file("last")
    config = {**run.config, "copied": sha256(model)}
    copy = Run(Path("runs", run.path.name.removesuffix(".keras")), config)
    with contextlib.suppress(InputError):  # it is there, perhaps since another command made it
        with new_folder(copy.path) as folder:
            (folder / "models").mkdir()
            shutil.copyfile(model, folder / "models" / "last.keras")
            for name in ("metrics.csv", "evaluation.json"):
                if (run.path / name).is_file():
                    shutil.copyfile(run.path / name, folder / name)
            run_config.write(folder, config)
        return copy
    found = run_config.read(copy.path)
    same = found.get("copied") == config["copied"]
    if not same or (found["recipe"] and config["recipe"] and found != config):
        raise InputError(
            f"results are written to {copy.path}, a copy of {run.path}, but something else is "
            "there; move it away, or give that directory instead"
        )
    if found["recipe"]:  # the user has named the data before
        copy.config = found
    else:
        run_config.write(copy.path, config)
    return copy
