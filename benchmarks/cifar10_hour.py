"""CIFAR-10, with the same time: recipe `pictures`, keras.io's DCGAN, the paper's networks tuned.

    TFDS_DATA_DIR=... python benchmarks/cifar10_hour.py WORK [--minutes 60] [--only NAME ...]

Each uses the precision in which its steps are faster here, and as many epochs as fit: the times
are nearly equal, and the table has those that training took. All EMA weights are compared on
EfficientNet-Lite0's features, which none of them has seen. WORK keeps runs and results: the same
command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it is in no package

from benchmarks.few_pictures import measured
from keras_gan import Run, data, recipes
from keras_gan.data import preprocessing
from keras_gan.experiment import TrainingData
from keras_gan.experiment.settings import PRECISIONS
from keras_gan.experiment.speed import seconds_per_step
from reproduce.runs import training_seconds

RECIPES = {
    "pictures": "pictures",
    "keras.io's DCGAN": str(Path(__file__).with_name("keras_io_dcgan.py")),
    "cifar10_conv_tuned": "cifar10_conv_tuned",
}
SAMPLES = 5_000
HEAD = "| recipe | minutes | steps | Frechet distance | floor | precision | recall | warnings |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--only", nargs="+", choices=RECIPES, default=list(RECIPES))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in options.only:
        place = options.work / Path(RECIPES[name]).stem
        train(place, RECIPES[name], 60 * options.minutes)
        rows.append(row(name, place))
        print("\n".join(["", HEAD, "|" + 8 * "---|", *rows]), flush=True)


def train(place: Path, recipe: str, seconds: float) -> None:
    """Trains a run for about that time, or goes on with it."""
    file = place.with_suffix(".txt")
    if not file.exists():
        length = ["--budget", f"{seconds:.0f}s", "--classes", "none"]
        if recipe != "pictures":
            length = fastest(seconds, recipe)
        file.write_text("\n".join(length))
    command = [sys.executable, "-m", "keras_gan.train", "--recipe", recipe, "--dataset", "cifar10"]
    more = [*file.read_text().split("\n"), "--run-dir", str(place)]
    subprocess.run([*command, *more], check=True)


def fastest(seconds: float, recipe: str) -> list[str]:
    """The faster precision, and how many epochs this machine trains with it in that time."""
    chosen = recipes.get(recipe)
    settings = chosen.settings()
    x = data.load("cifar10").train.x
    few = preprocessing.fit(settings.preprocessing, x).normalize(x[:2000])
    some = TrainingData.of(settings, few, size=len(x))
    steps = {
        precision: seconds_per_step(
            chosen.build, dataclasses.replace(settings, precision=precision), some
        )
        for precision in PRECISIONS
    }
    print(f"{recipe}: seconds of a step {steps}", flush=True)
    precision = min(steps, key=steps.__getitem__)
    epochs = max(1, round(seconds / steps[precision] / settings.steps_per_epoch(len(x))))
    return ["--epochs", str(epochs), "--precision", precision]


def row(name: str, place: Path) -> str:
    """A line of the table."""
    run = Run.open(place, trust_recipe=True)
    results = measured(run, SAMPLES)
    found, floor = (results["distances"][part] for part in ("samples", "training examples"))
    overlap = found["precision_recall"]
    cells = [
        name,
        f"{training_seconds(run) / 60:.0f}",
        f"{int(run.gan().step):,}",
        f"{found['frechet']['distance']:.4g} ± {found['standard_errors']['frechet']:.2g}",
        f"{floor['frechet']['distance']:.3g}",
        f"{overlap['precision']:.2f}",
        f"{overlap['recall']:.2f}",
        ", ".join(warning["name"] for warning in results["diversity"]["warnings"]) or "none",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
