"""Kills training at moments spread over its duration; the same command must resume it.

    python tests/kill_training.py [--moments 20] [--workers 1] [--epochs 30] [--seed 0]

Trains the digits once undisturbed and measures how long that takes. Then, for each moment, a new
run is killed (SIGKILL) at that moment and the same command is given again until it ends well. With
one process the final weights, EMA and both optimizers' states must be those of the undisturbed
run bit for bit. With two workers one of them, in turn, is killed; the other must end by itself, and
the weights must agree to 1e-5. The moments lie one in each of equal parts of the duration, at a
place drawn from the seed. Prints a table; ends with code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import commands
import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from keras_gan.experiment.run import Run


def start(path: Path, options: argparse.Namespace) -> list[commands.Fork]:
    settings = ["--run-dir", path, "--epochs", options.epochs, "--likelihood-samples", 200]
    settings += ["--checkpoint-minutes", 0.01]
    if options.workers == 1:
        return [commands.start(*settings)]
    settings += ["--strategy", "multi_worker"]
    return [commands.start(*settings, TF_CONFIG=c) for c in commands.clusters(options.workers)]


def exit_codes(processes: list[commands.Fork]) -> list[int]:
    for process in processes:
        process.communicate()
    return [process.returncode for process in processes]


def finish(path: Path, options: argparse.Namespace) -> None:
    codes = exit_codes(start(path, options))
    if any(codes):
        sys.exit(f"the command on {path} ends with codes {codes}")


def numbers(path: Path) -> list[np.ndarray]:
    gan = keras.saving.load_model(Run.open(path).model_file("last"))  # `Run.gan` has no optimizers
    optimizers = gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    return [*gan.get_weights(), *(v.numpy() for v in optimizers)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random.seed(options.seed)
    tolerance = 0.0 if options.workers == 1 else 1e-5
    table = Table(title=f"seed {options.seed}, {options.workers} worker(s)")
    for column in ("moment, s", "killed", "codes", "checkpoints left", "largest difference"):
        table.add_column(column, justify="right")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "whole")
        began = time.monotonic()
        finish(whole, options)
        duration = time.monotonic() - began
        reference = numbers(whole)
        for number in range(options.moments):
            path = Path(folder, str(number))
            moment = duration * (number + random.random()) / options.moments
            processes = start(path, options)
            time.sleep(moment)
            victim = number % options.workers
            processes[victim].kill()
            codes = exit_codes(processes)
            left = sorted(p.name for p in path.glob("checkpoints/*"))
            finish(path, options)
            difference = max(
                float(np.abs(a.astype(np.float64) - b).max())
                for a, b in zip(reference, numbers(path), strict=True)
            )
            bad += difference > tolerance
            table.add_row(
                f"{moment:.1f}", str(victim), str(codes), " ".join(left), f"{difference:.2g}"
            )
            print(f"{number + 1} of {options.moments}: {difference:.2g}", flush=True)
    Console(width=160).print(table)
    print(f"an undisturbed run takes {duration:.0f} s; {bad} of {options.moments} runs differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
