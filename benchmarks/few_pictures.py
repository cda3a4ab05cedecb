"""How much do augmentation and transfer gain where there are few pictures?

    python benchmarks/few_pictures.py WORK [--images 2000000] [--source-images 4000000]

Pictures of vehicles from CIFAR-10, 400, 1,000 or 4,000 of them, with the recipe `pictures`: with
and without DiffAugment, from new weights and from those of a run on the animals. All runs learn
from the same number of pictures, counted each time, and are compared with the vehicles among the
test pictures. WORK keeps data, runs and results: the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it is in no package

from keras_gan import Run, data, recipes
from keras_gan.core.files import replacing, write_atomically
from keras_gan.experiment.evaluator import EvaluationSettings, Evaluator
from keras_gan.experiment.measurements import samples

SIZES = (400, 1_000, 4_000)
VEHICLES = ("airplane", "automobile", "ship", "truck")
HEAD = "| pictures | augmentation | transfer | Frechet distance | recall | copies | warnings |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--images", type=int, default=2_000_000, help="of each run")
    parser.add_argument("--source-images", type=int, default=4_000_000, help="of the first run")
    parser.add_argument("--samples", type=int, default=4_000)
    parser.add_argument("--width", type=int, default=0, help="of the networks; 0: by rule")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    write_data(options.work, options.sizes)
    source = options.work / "animals"
    run(source, options.work / "animals.npz", options.source_images, options.width)
    rows = []
    for size, augmented, transferred in itertools.product(options.sizes, *2 * [(False, True)]):
        name = "-".join([f"{size}", *["augmented"] * augmented, *["transferred"] * transferred])
        more = [] if augmented else ["--augment", "none"]
        more += ["--init", str(source)] if transferred else []
        place, file = options.work / name, options.work / f"vehicles-{size}.npz"
        run(place, file, options.images, options.width, *more)
        rows.append(row(size, augmented, transferred, measured(Run.open(place), options.samples)))
        print("\n".join(["", HEAD, "|" + 7 * "---|", *rows]), flush=True)


def write_data(work: Path, sizes: list[int]) -> None:
    """CIFAR-10's animals, and vehicles in sets of these sizes, as files for `--dataset`."""
    cifar = data.load("cifar10")
    vehicles = [(cifar.label_names or ()).index(name) for name in VEHICLES]
    splits = {name: getattr(cifar, name) for name in ("train", "validation", "test")}
    of_vehicles = {name: split.x[np.isin(split.y, vehicles)] for name, split in splits.items()}
    of_animals = {name: split.x[~np.isin(split.y, vehicles)] for name, split in splits.items()}
    files = {"animals": of_animals}
    for size in sizes:  # the smaller sets are parts of the larger ones
        files[f"vehicles-{size}"] = {**of_vehicles, "train": of_vehicles["train"][:size]}
    for name, parts in files.items():
        if not (work / f"{name}.npz").exists():
            with replacing(work / f"{name}.npz", ".npz") as temporary:
                np.savez(temporary, **{f"x_{split}": x for split, x in parts.items()})


def run(place: Path, file: Path, images: int, width: int, *more: str) -> None:
    """Trains a run, or goes on with it; a process of its own gives all memory back."""
    settings = ["--dataset", file, "--images", images, "--width", width]
    command = [sys.executable, "-m", "keras_gan.train", "--recipe", "pictures", *settings, *more]
    subprocess.run([*map(str, command), "--run-dir", str(place)], check=True)


def measured(run: Run, n: int) -> dict[str, Any]:
    """Distances and signs of memorization of the EMA weights; measured once."""
    file = run.path / f"measured-{n}.json"
    if not file.exists():
        # Warnings compare samples with training examples, of which there are few.
        of_all, of_few = (
            Evaluator(
                run,
                functools.partial(recipes.data_of, run),
                EvaluationSettings(weights="ema", samples=n, sanity=sanity),
            )
            for sanity in (False, True)
        )
        by_few = samples.measure_distances(of_few)
        floor = by_few["training examples"]  # of as many as there are, at most n
        results = {
            "distances": {**samples.measure_distances(of_all), "training examples": floor},
            "diversity": samples.measure_diversity(of_few, by_few),
        }
        write_atomically(file, json.dumps(results, indent=1, default=float))
    return json.loads(file.read_text())


def row(size: int, augmented: bool, transferred: bool, results: dict[str, Any]) -> str:
    """A line of the table."""
    found, diversity = results["distances"]["samples"], results["diversity"]
    error = found["standard_errors"].get("frechet")
    cells = [
        f"{size:,}",
        "yes" if augmented else "no",
        "yes" if transferred else "no",
        f"{found['frechet']['distance']:.4g}" + (f" ± {error:.2g}" if error else ""),
        f"{found['precision_recall']['recall']:.2f}",
        f"{diversity['Memorization']['copies']:.1%}",
        ", ".join(warning["name"] for warning in diversity["warnings"]) or "none",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
