"""Training goes through the commands and their run directories; this is what is read from those.

So whatever was interrupted goes on when the same command is given again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from keras_gan.data import DataSet
from keras_gan.data.preprocessing import Preprocessing
from keras_gan.evaluation.likelihood import ParzenSettings, log_likelihood
from keras_gan.experiment.run import Run

_COLUMNS = {"best": "val_log_likelihood", "best_ema": "val_log_likelihood_ema"}


def call(main: Callable[[list[str]], int], argv: list[str]) -> None:
    """Calls a command as a shell would; ends with its exit code where that is not 0."""
    if code := main(argv):
        raise SystemExit(code)


def curve(metrics: dict[str, list[float]]) -> list[dict[str, float]]:
    """The validation likelihood along training, where it was measured."""
    columns = ("epoch", *_COLUMNS.values())
    return [
        {"epoch": int(epoch) + 1, "raw": round(raw, 1), "ema": round(ema, 1)}
        for epoch, raw, ema in zip(*(metrics[name] for name in columns), strict=True)
        if not math.isnan(raw)
    ]


def training_seconds(run: Run) -> float:
    """The sessions of a run together, each from its start to its last epoch's end."""
    total = 0.0
    for log in (run.path / "tensorboard" / "train").glob("events.out.tfevents.*"):
        times = [event.wall_time for event in EventFileLoader(str(log)).Load()]
        total += max(times) - min(times)
    return round(total, 1)


def validation_images(data: DataSet, scale: Preprocessing, count: int = 1000) -> np.ndarray:
    """The first validation examples in [0, 1]: what bandwidths are chosen on."""
    return scale.unit(data.validation.x[:count])


def validation_nats(samples: np.ndarray, validation: np.ndarray) -> float:
    """Mean likelihood of validation examples under the best bandwidth of the paper's grid, nats."""
    protocol = ParzenSettings(len(samples), len(validation))
    found = log_likelihood(samples, validation, validation[:1], protocol=protocol)
    return found.validation_mean
