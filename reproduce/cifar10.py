"""CIFAR-10's recipes: no likelihood was published, so samples, losses, and what a run costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from benchmarks.steps import flops_per_step, products
from keras_gan import figures, plotting, recipes, train
from keras_gan.experiment.run import Run
from reproduce import results
from reproduce.runs import call, training_seconds

RECIPES = ("cifar10_mlp", "cifar10_conv", "cifar10_conv_tuned")
GPU_FLOPS = 10e12  # assumed of a GPU: operations per second that a run in float32 keeps up
_LOSSES = ("d_loss", "g_loss", "value", "d_real", "d_fake")


def measure(
    name: str,
    seed: int,
    epochs: int | None,
    run_dir: str | None,
    note: str,
    precision: str = "float32",
) -> None:
    """Trains a recipe, and keeps its samples (EMA weights, if any), its losses and speed.

    Args:
        name: One of `RECIPES`, or a recipe's file.
        seed: Seed of everything random.
        epochs: Epochs to train; the recipe's by default.
        run_dir: The run directory.
        note: What a reader must know of this copy of the data; stands on the picture too.
        precision: As of `keras-gan train`; what is not float32 stands beside the note.
    """
    machine, recipe = results.machine(), recipes.get(name)
    all_epochs = recipe.settings().epochs
    epochs = epochs or all_epochs
    path = run_dir or f"runs/reproduce-{recipe.name}"
    mixed = precision if precision != "float32" else ""
    settings = ["--seed", str(seed), "--epochs", str(epochs)]
    settings += ["--precision", mixed] if mixed else []
    call(train.main, ["--recipe", name, *settings, "--run-dir", path])
    run = Run.open(path)
    weights = "ema" if run.settings["ema_momentum"] else "last"
    call(figures.main, [path, "--seed", "0", "--weights", weights])
    drawn = "EMA weights" if weights == "ema" else ""
    title = ", ".join(filter(None, [f"epoch {run.epochs_done}", drawn, mixed, note]))
    results.save(
        recipe.name,
        title=f"CIFAR-10: recipe `{recipe.name}`, {title}",
        command=f"python -m reproduce {recipe.name} {' '.join(settings)}"
        + (f" --data-note '{note}'" if note else ""),
        rows=[_costs(run, all_epochs)],
        losses=_losses(run),
        estimate_assumes=GPU_FLOPS,
        seeds=[seed],
        protocol={"run": run.identity},
        data=", ".join(filter(None, [run.config["provenance"], note])),
        machine=machine,
        seconds=training_seconds(run),
        pictures=[_marked_figure_2(run, f"{recipe.name}, {title}")],
    )


def _costs(run: Run, all_epochs: int) -> dict[str, Any]:
    gan, settings = run.gan(), run.settings
    m, k = settings["batch_size"], settings["discriminator_steps"]
    images = run.config["steps_per_epoch"] * m * k
    seconds = training_seconds(run) / run.epochs_done
    networks = [gan.generator, gan.discriminator]
    flops = flops_per_step(*map(products, networks), m, k, settings["update"]) / (m * k)
    return {
        "epochs": run.epochs_done,
        "images_per_second": images / seconds,
        "seconds_per_epoch": seconds,
        "generator_parameters": gan.generator.count_params(),
        "discriminator_parameters": gan.discriminator.count_params(),
        "gflop_per_image": flops / 1e9,
        "all_epochs": all_epochs,
        "estimated_gpu_hours": all_epochs * images * flops / GPU_FLOPS / 3600,
    }


def _losses(run: Run) -> list[dict[str, Any]]:
    table = run.metrics()
    return [
        {"epoch": int(epoch) + 1, **{name: table[name][i] for name in _LOSSES}}
        for i, epoch in enumerate(table["epoch"])
    ]


def _marked_figure_2(run: Run, caption: str) -> str:
    drawn = run.path / "figures" / "figure_2.png"
    with Image.open(drawn) as file:
        picture = np.asarray(file.convert("RGB"))
    marked = drawn.with_name("figure_2_marked.png")
    plotting.save_image(plotting.captioned(picture, caption), marked)
    return results.keep_picture(marked, f"{run.identity['recipe']}_figure_2.png")
