"""Each result: what is run, and what of it is stored."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import track

from keras_gan import data, evaluate, figures, plotting, recipes, train
from keras_gan.data import preprocessing
from keras_gan.evaluation.distances import OVERLAPS
from keras_gan.evaluation.likelihood import reliability
from keras_gan.experiment.run import BEST, Run
from keras_gan.reporting import facts
from reproduce import figure_1, results
from reproduce.curves import bandwidth_curves, distances_from_optimum
from reproduce.runs import call, curve, training_seconds

EVALUATION_SEED = 0
_MNIST = ("best", "best_ema", "ema")
EXTENSIONS = {
    "digits_conditional": "Section 7: digits of a class that is asked for",
    "digits_inference": "Section 7: latents of digits, inferred",
    "mnist_conditional": "Section 7: MNIST of a class that is asked for",
    "mnist_inference": "Section 7: latents of MNIST, inferred",
    "mnist_inpainting": "Section 7: MNIST inpainted",
    "mnist_semi_supervised": "Section 7: MNIST classified from 100 labels",
}
_MEASURES = ("given_classes", "inference", "inpainting", "classification")  # of extensions, if any
_FIGURES = ("figure_2", "figure_3", "classes", "encoded", "inpainted", "curves")
_SAMPLES = {
    "last": "raw weights, last",
    "ema": "EMA weights, last",
    "best": "raw weights, best on validation",
    "best_ema": "EMA weights, best on validation",
}
_FIXED = "EMA weights of the networks, which stay"


def parzen_sanity(seed: int) -> None:
    """Training images and k-means centroids as if they were samples: how to read the others."""
    began, machine = time.monotonic(), results.machine()
    mnist = data.load("mnist")
    scale = preprocessing.fit("unit_range", mnist.train.x)
    parts = (mnist.train.x, mnist.validation.x, mnist.test.x)
    images, validation, test = map(scale.unit, parts)
    rows = reliability.sanity_rows(images, validation, test, seed=seed, track=track)
    name = "parzen_sanity"
    file = results.PICTURES / f"{name}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    plotting.save_image(bandwidth_curves(rows), file)
    results.save(
        name,
        title="MNIST: real images and centroids as samples",
        command=f"python -m reproduce {name} --seed {seed}",
        rows=[
            {"samples": f"{row.samples:,} {what}", **results.nats(dataclasses.asdict(row))}
            for what, row in rows.items()
        ],
        seeds=[seed],
        protocol=results.protocol(dataclasses.asdict(rows["training images"])),
        data=mnist.provenance,
        machine=machine,
        seconds=results.seconds_since(began),
        pictures=[results.link(file)],
    )


def digits(seed: int, run_dir: str | None) -> None:
    """The bundled digits, evaluated with EMA weights."""
    _trained("digits", "digits", "Digits", seed, None, run_dir, ["ema"], ["--refine"])


def mnist(seed: int, epochs: int, run_dir: str | None) -> None:
    """Table 1: the paper's networks and recipe on MNIST."""
    title = f"Table 1, MNIST: the paper's networks and recipe, seed {seed}"
    _trained(f"mnist_seed{seed}", "mnist", title, seed, epochs, run_dir, _MNIST)


def mnist_tuned(seed: int, epochs: int | None, run_dir: str | None) -> None:
    """The same networks under settings of our own."""
    title = f"MNIST: the paper's networks, our settings, seed {seed}"
    _trained(f"mnist_tuned_seed{seed}", "mnist_tuned", title, seed, epochs, run_dir, _MNIST)


def extension(
    recipe: str, seed: int, epochs: int | None, run_dir: str | None, networks: str
) -> None:
    """One of section 7's proposals, as its recipe trains it.

    Args:
        recipe: One of `EXTENSIONS`.
        seed: Seed of everything random.
        epochs: The recipe's by default.
        run_dir: Where it is trained.
        networks: For inference: the run whose networks stay fixed; "" trains them as well.
    """
    weights = ["last"] if networks else ["best_ema", "ema"]
    title = EXTENSIONS[recipe]
    _trained(recipe, recipe, title, seed, epochs, run_dir, weights, networks=networks)


def figure_1_learned(seed: int) -> None:
    """Figure 1 as an experiment."""
    began, machine = time.monotonic(), results.machine()
    folder = results.PICTURES.parent  # the README shows them too
    call(figure_1.main, ["--seed", str(seed), "--output", str(folder)])
    found = json.loads((folder / "figure_1.json").read_text())
    distances = results.PICTURES / "figure_1_distances.png"
    distances.parent.mkdir(parents=True, exist_ok=True)
    plotting.save_image(distances_from_optimum(found["series"]), distances)
    results.save(
        "figure_1",
        title="Figure 1, with learned networks",
        command=f"python -m reproduce figure_1 --seed {seed}",
        rows=[
            {**panel, "jensen_shannon": panel["jensen_shannon"]["value"]}
            for panel in found["panels"]
        ],
        seeds=[seed],
        protocol=found["protocol"],
        machine=machine,
        seconds=results.seconds_since(began),
        pictures=[
            *(results.link(folder / f"figure_1.{ending}") for ending in ("png", "gif")),
            results.link(distances),
        ],
    )


def tfd() -> None:
    """The row that needs a file which its authors give out on request: no number."""
    results.save(
        "tfd",
        title="Table 1, Toronto Face Database",
        command="python -m reproduce tfd",
        rows=[],
        needs="Needs the authors' file; there is no number without it. With the file in place:",
        commands=[
            "keras-gan train --recipe tfd --run-dir runs/tfd",
            "keras-gan train --recipe tfd_stage2 --stage1 runs/tfd --run-dir runs/tfd2",
            "keras-gan evaluate runs/tfd2",
        ],
        pictures=[],
    )


def _trained(
    name: str,
    recipe: str,
    title: str,
    seed: int,
    epochs: int | None,
    run_dir: str | None,
    weights: Sequence[str],
    how: Sequence[str] = ("--refine", "--no-sanity"),
    networks: str = "",
) -> None:
    """Trains what is not trained yet (None: for the recipe's epochs), evaluates it and draws it."""
    machine = results.machine()
    epochs = epochs or recipes.get(recipe).settings().epochs
    path = run_dir or f"runs/reproduce-{name}"
    settings = ["--recipe", recipe, "--seed", str(seed), "--epochs", str(epochs)]
    if networks:  # their likelihood stays as it is
        settings += ["--stage1", networks, "--update", "fixed", "--likelihood-every", "0"]
    call(train.main, [*settings, "--run-dir", path])
    run, began = Run.open(path), time.monotonic()
    # Not every run has measured a likelihood.
    weights = [w for w in weights if w not in BEST or run.model_file(w).is_file()]
    for which in weights:
        call(evaluate.main, [path, "--weights", which, "--seed", str(EVALUATION_SEED), *how])
    found = json.loads((run.path / "evaluation.json").read_text())
    rows: list[dict[str, Any]] = [
        {
            "samples": _FIXED if networks else _SAMPLES[which],
            "epoch": "" if networks else run.epoch_of(which),
            **results.nats(found[which]["likelihood"]),
            **_overlap(found[which], "samples"),
            "warnings": ", ".join(a["name"] for a in found[which]["diversity"]["warnings"])
            or "none",
        }
        for which in weights
    ]
    last = found[weights[-1]]
    for what, row in last.get("sanity", {}).items():
        real = _overlap(last, "training examples" if what == "training images" else "")
        rows.append(
            {"samples": f"{row['samples']:,} {what}", "epoch": "", **results.nats(row), **real}
            | {"warnings": ""}
        )
    pictures = []
    if "best_ema" in weights and run.epoch_of("best_ema") != run.epochs_done:
        pictures += _drawn(run, "best_ema", ["figure_2"], f"{name}_best")
    pictures += _drawn(run, weights[-1], ["encoded"] if networks else _FIGURES, name)
    results.save(
        name,
        title=title,
        command=f"python -m reproduce {recipe} --seed {seed}"
        + (f" --epochs {epochs}" if recipe != "digits" else "")
        + (" --networks RUN" if networks else ""),
        rows=rows,
        seeds=[seed],
        protocol={
            **results.protocol(last["likelihood"]),
            "seed_of_samples": EVALUATION_SEED,
            "run": {**last["run"], **({"stage1": Path(networks).name} if networks else {})},
        },
        **({"networks": facts.of_run(Run.open(networks)).command} if networks else {}),
        curve=[] if networks else curve(run.metrics()),
        **{what: last[what] for what in _MEASURES if what in last},
        data=last["data"],
        machine=machine,
        seconds=results.seconds_since(began),
        training_seconds=training_seconds(run),
        pictures=pictures,
    )


def _drawn(run: Run, weights: str, wanted: Sequence[str], name: str) -> list[str]:
    """The figures of a run that there are, copied to the documents."""
    call(figures.main, [str(run.path), "--weights", weights, "--seed", str(EVALUATION_SEED)])
    files = [run.path / "figures" / f"{figure}.png" for figure in wanted]
    return [results.keep_picture(file, f"{name}_{file.name}") for file in files if file.is_file()]


def _overlap(found: dict[str, Any], what: str) -> dict[str, Any]:
    """The columns of precision and recall; empty for what was not measured."""
    row = found["distances"].get(what, {}).get("precision_recall", {})
    return {name: row.get(name, "") for name in OVERLAPS}
