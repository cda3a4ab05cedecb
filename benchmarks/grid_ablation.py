"""What makes the grid of 25 Gaussians easy: networks, optimizer, loss or penalty?

    python benchmarks/grid_ablation.py [--seeds 5] [--lines NAME ...] [--out build/grid.json]

Each line changes one thing of `grid_r3gan`, or of the paper's game in `gaussian_grid`. 10,000
samples of the EMA generator. A sample within 3 standard deviations is of its mode. Two counts: a
mode counts as found with a tenth of its share ("strict"), and with one sample (Lin et al. 2018,
arXiv:1712.04086, of 2,500 samples at a spacing of 2; line "spacing_2"). What is in the file is not
run again.
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from pathlib import Path

import keras
import numpy as np

from keras_gan import layers, networks, recipes
from keras_gan.evaluation.collapse import modes_found
from keras_gan.evaluation.gaussians import GaussianMixture
from keras_gan.experiment import TrainingData
from keras_gan.recipes import ring
from keras_gan.training.gan import GAN

SAMPLES = 10_000


def changed(settings, data, **changes):
    """`grid_r3gan`, compiled with other arguments."""
    gan, arguments = recipes.get("grid_r3gan").build(settings, data)
    return gan, {**arguments, **changes}


def r1_alone(settings, data):
    """`grid_r3gan` without R2."""
    gan, arguments = changed(settings, data)
    return gan, {**arguments, "regularizers": arguments["regularizers"][:1]}


def packed(settings, data):
    """The line "non_saturating" with a D that sees two points at once (PacGAN)."""
    gan, arguments = LINES["non_saturating"](settings, data)
    inner = networks.leaky_mlp((4,), (1,), width=settings.width, seed=settings.seed + 1, name="d")
    inputs = keras.Input((2,))
    discriminator = keras.Model(inputs, layers.Unpack(2)(inner(layers.Pack(2)(inputs))))
    gan = GAN(gan.generator, discriminator, gan.prior, seed=settings.seed, ema=settings.ema)
    return gan, arguments


def paper(settings, data):
    """The paper's game: `gaussian_grid` as it is."""
    return recipes.get("gaussian_grid").build(settings, data)


def leaky_networks(settings, data):
    """`gaussian_grid` with the networks of `grid_r3gan`."""
    of_paper = recipes.get("gaussian_grid").settings(seed=settings.seed)
    return changed(settings, data)[0], of_paper.compile_arguments(data, "non_saturating")


LINES = {
    "recipe": changed,
    "paper": paper,
    "paper_longer": paper,  # as many steps as `grid_r3gan`
    "leaky_networks": leaky_networks,
    "non_saturating": functools.partial(changed, loss="non_saturating", regularizers=[]),
    "non_saturating_penalties": functools.partial(changed, loss="non_saturating"),
    "relativistic": functools.partial(changed, regularizers=[]),
    "r1_alone": r1_alone,
    "packed": packed,
    "spacing_2": changed,  # on the grid of Lin et al.: spacing 2, standard deviation 0.05
}


def run(name: str, seed: int) -> dict:
    """Trains one line with one seed and counts the modes."""
    source = recipes.get("gaussian_grid" if LINES[name] is paper else "grid_r3gan")
    settings = source.settings(seed=seed)
    spacing = 2.0 if name == "spacing_2" else 1.0
    mixture = GaussianMixture.grid(spacing=spacing)
    x = ring.draw("grid", mixture).train.x
    data = TrainingData.of(settings, x)
    gan, arguments = LINES[name](settings, data)
    steps = settings.steps_per_epoch(len(x))
    gan.compile(**{**arguments, "jit_compile": False}, steps_per_execution=steps)
    epochs = settings.epochs
    if name == "paper_longer":
        epochs = round(450 * (50_000 // 256) / steps)
    began = time.monotonic()
    gan.fit(x, batch_size=settings.batch_size, epochs=epochs, verbose=0)
    seconds = time.monotonic() - began
    samples = gan.generate(SAMPLES, seed=1, ema=True)
    found = modes_found(samples, mixture)
    return {
        "line": name,
        "seed": seed,
        "steps": int(gan.step.numpy()),
        "strict": found.found,
        "at_least_one": int(np.count_nonzero(found.shares)),
        "on_modes": round(found.on_modes, 4),
        "spread": round(found.spread, 3),
        "seconds": round(seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--lines", nargs="+", choices=LINES, default=list(LINES))
    parser.add_argument("--out", type=Path, default=Path("build/grid.json"))
    options = parser.parse_args()
    rows = json.loads(options.out.read_text()) if options.out.is_file() else []
    done = {(row["line"], row["seed"]) for row in rows}
    for name in options.lines:
        for seed in range(options.seeds):
            if (name, seed) in done:
                continue
            rows.append(run(name, seed))
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(rows, indent=1) + "\n")
            print(rows[-1], flush=True)
    print(f"{'line':26} {'seeds':>5} {'strict':>10} {'one':>10} {'on modes':>15} {'seconds':>8}")
    for name in LINES:
        of_line = [row for row in rows if row["line"] == name]
        if of_line:
            columns = (
                f"{min(r[key] for r in of_line)} to {max(r[key] for r in of_line)}"
                for key in ("strict", "at_least_one")
            )
            shares = [row["on_modes"] for row in of_line]
            seconds = np.median([row["seconds"] for row in of_line])
            print(
                f"{name:26} {len(of_line):5d} {next(columns):>10} {next(columns):>10} "
                f"{min(shares):6.1%} to {max(shares):6.1%} {seconds:8.0f}"
            )


if __name__ == "__main__":
    main()
