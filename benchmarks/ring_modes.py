"""How many modes do the recipes for Gaussians find? One row for each seed.

    python benchmarks/ring_modes.py [--recipe ring|gaussian_grid] [--seeds 5]

A sample within 3 standard deviations is of its mode; a mode is found when it has at least a tenth
of its share. 10,000 samples of the EMA generator after the recipe's last epoch.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from keras_gan import train
from keras_gan.evaluation.collapse import modes_found
from keras_gan.experiment.run import Run
from keras_gan.recipes import gaussian_grid, ring

MIXTURES = {"ring": ring.MIXTURE, "gaussian_grid": gaussian_grid.MIXTURE}
SAMPLES = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", choices=MIXTURES, default="ring")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    mixture = MIXTURES[options.recipe]
    rows = []
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            run_dir = str(Path(folder) / "run")
            began = time.monotonic()
            code = train.main(
                ["--recipe", options.recipe, "--seed", str(seed), "--run-dir", run_dir]
            )
            if code:
                raise SystemExit(code)
            seconds = time.monotonic() - began
            samples = Run.open(run_dir).samples(SAMPLES, 1, "ema")
        result = modes_found(samples, mixture)
        rows.append(
            f"{seed:4d} {result.found:5d}/{mixture.modes} {result.on_modes:8.1%} "
            f"{min(result.shares):9.3f} {max(result.shares):9.3f} {result.spread:7.2f} "
            f"{seconds:8.0f}"
        )
    print("seed   modes   on modes  smallest   largest   spread  seconds")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
