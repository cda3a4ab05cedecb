"""Kills training at moments spread over its duration; the same command must resume it.

    python tests/kill_training.py [--moments 20] [--kills 2] [--workers 1] [--epochs 30] [--seed 0]

Trains the digits once undisturbed and measures how long that takes. Then new runs are killed
(SIGKILL) at that many moments, some times each, and the same command is given again until it ends
well. After each kill, checkpoints are damaged: one or two of the newest are cut, a bit of them
is flipped, or they lose their manifest, and stray folders appear; one complete checkpoint stays.

With one process the final weights, EMA and both optimizers' states must be those of the undisturbed
run bit for bit. With two workers one of them, in turn, is killed and started again at once, the
other as soon as it has ended, and the weights must agree to 1e-5. The moments lie one in each of
equal parts of the duration, at a place drawn from the seed. Prints a table; ends with code 1 where
anything differs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import commands
import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from keras_gan.experiment.run import Run

GRACE = 30  # seconds for the others after the first worker has ended well
RESTARTS = 20  # of one worker; more mean that the run does not advance


def starters(path: Path, options: argparse.Namespace) -> list[Callable[[], commands.Fork]]:
    """What starts each worker of a run."""
    settings = ["--recipe", "digits", "--run-dir", path, "--epochs", options.epochs]
    settings += ["--likelihood-samples", 200, "--checkpoint-minutes", 0.01]
    if options.workers == 1:
        return [lambda: commands.start(*settings)]
    settings += ["--strategy", "multi_worker"]
    clusters = commands.clusters(options.workers)
    return [
        lambda config=config: commands.start(*settings, TF_CONFIG=config) for config in clusters
    ]


def finish(starts: list, processes: list[commands.Fork]) -> list[list[int]]:
    """Starts again what ends badly, until all have ended well; the exit codes of each worker.

    One that is killed while it ends is not needed any more: where another has ended well, the run
    is complete.
    """
    codes: list[list[int]] = [[] for _ in processes]
    ended_well = 0.0
    while any(not of_one or of_one[-1] for of_one in codes):
        if not ended_well and any(of_one and not of_one[-1] for of_one in codes):
            ended_well = time.monotonic()
        if ended_well and time.monotonic() - ended_well > GRACE:
            for process in processes:
                process.kill()
            break
        for index, process in enumerate(processes):
            if process.poll() is None or (codes[index] and not codes[index][-1]):
                continue
            codes[index].append(process.returncode)
            if process.returncode and len(codes[index]) > RESTARTS:
                sys.exit(f"worker {index} ends with {codes[index]}: {process.communicate()}")
            if process.returncode:
                processes[index] = starts[index]()
        time.sleep(0.05)
    return codes


def damage(folder: Path) -> str:
    """Damages all but one of the checkpoints, two at most; says how."""
    complete = sorted(p for p in folder.glob("step-*") if (p / "manifest.json").exists())
    complete = [p for p in complete if p.name != "step-999999999"]
    done = []
    for step in complete[1:][-random.choice((1, 2)) :]:
        how = random.choice(("truncated", "flipped", "no manifest"))
        file = random.choice(sorted(p for p in step.iterdir() if p.stat().st_size))
        content = bytearray(file.read_bytes())
        if how == "truncated":
            file.write_bytes(content[: random.randrange(len(content))])
        elif how == "flipped":
            content[random.randrange(len(content))] ^= 1 << random.randrange(8)
            file.write_bytes(content)
        else:
            (step / "manifest.json").unlink()
        done.append(f"{step.name[5:].lstrip('0')} {how}")
    if complete and random.random() < 0.5:
        shutil.copytree(complete[0], folder / "step-999999999", dirs_exist_ok=True)
        done.append("stray")
    return ", ".join(done)


def interrupted(
    path: Path, moment: float, number: int, options: argparse.Namespace
) -> tuple[int, list[list[int]], list[str]]:
    """A run that is killed after every `moment` seconds: kills, exit codes, and the damage done."""
    starts = starters(path, options)
    processes, kills, done = [start() for start in starts], 0, []
    for kill in range(options.kills):
        time.sleep(moment)
        victim = (number + kill) % options.workers
        if processes[victim].poll() is not None:
            break
        processes[victim].kill()
        processes[victim].communicate()
        kills += 1
        if options.workers == 1:  # else the others may still write
            done.append(damage(path / "checkpoints"))
        processes[victim] = starts[victim]()
    return kills, finish(starts, processes), done


def numbers(path: Path) -> list[np.ndarray]:
    gan = keras.saving.load_model(Run.open(path).model_file("last"))  # `Run.gan` has no optimizers
    optimizers = gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    return [*gan.get_weights(), *(v.numpy() for v in optimizers)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random.seed(options.seed)
    tolerance = 0.0 if options.workers == 1 else 1e-5
    table = Table(title=f"seed {options.seed}, {options.workers} worker(s)")
    for column in ("moment, s", "kills", "codes", "damage", "largest difference"):
        table.add_column(column, justify="right")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "whole")
        starts = starters(whole, options)
        began = time.monotonic()
        finish(starts, [start() for start in starts])
        duration = time.monotonic() - began
        reference = numbers(whole)
        for number in range(options.moments):
            moment, kills = duration * (number + random.random()) / options.moments, 0
            while not kills:  # the run may be faster this time
                path = Path(folder, f"{number} at {moment:.1f}")
                kills, codes, done = interrupted(path, moment, number, options)
                moment = moment if kills else moment / 2
            difference = max(
                float(np.abs(a.astype(np.float64) - b).max())
                for a, b in zip(reference, numbers(path), strict=True)
            )
            bad += not difference <= tolerance
            damaged = "; ".join(filter(None, done))
            table.add_row(f"{moment:.1f}", str(kills), str(codes), damaged, f"{difference:.2g}")
            print(f"{number + 1} of {options.moments}: {difference:.2g}", flush=True)
    Console(width=160).print(table)
    print(f"an undisturbed run takes {duration:.0f} s; {bad} of {options.moments} runs differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
