"""What a step costs on any number of workers: a model fitted to 1, 2 and 4, and checked at 8.

    python benchmarks/cost_model.py --out FILE [--toy] [--rounds 3] [--workers 1 2 4 8]

Workers are processes on this machine, each bound to a core, several on one where there are more
workers than cores. Each configuration is measured in processes of its own; FILE gets each number as
soon as it is measured, and the same command goes on where it was interrupted. Use an idle machine.

With W workers on C cores, h = max(1, W / C) workers on a core, F floating-point operations in a
step of the global minibatch and G bytes of gradients, a step takes

    t = h s  +  h F / (W r)  +  h G / u  +  2 (W - 1) (G / b + l)

s: what does not depend on sizes; r: operations a second; u: bytes of gradients that are applied in
a second; b and l: bandwidth and latency of the ring all-reduce, 2 (W - 1) messages of G / W bytes
by each of W workers over one loopback. The five are fitted to all configurations but those of the
largest number of workers, all errors relative, none negative.

On R devices with links of their own h is 1 and the last term 2 (R - 1) (G / (R b) + l). The last
table states it for 8, 64 and 1,000 devices that are like the cores and links measured, or as
`--gflops`, `--gigabytes` and `--microseconds` say (then s = 0 and u is infinite).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

import numpy as np
import scipy.optimize
from rich.console import Console
from rich.table import Table
from scaling import throughput
from steps import flops_per_step, model_of_recipe, products, random_examples

from keras_gan.core.files import write_atomically

# Recipes whose gradients differ much in size, with minibatches whose operations do.
SIZES = {"digits": (400, 6400), "mnist": (80, 400, 1600)}
TOY = {"digits": (8, 16)}
DEVICES, EACH = (8, 64, 1000), 128  # and the examples of a minibatch on each


def measure(file: Path, sizes: dict, workers: list[int], rounds: int, seconds: float) -> dict:
    """Seconds of a step by configuration, `rounds` of each, in turn."""
    found: dict[str, list[float]] = json.loads(file.read_text()) if file.exists() else {}
    for _ in range(rounds):
        for recipe, minibatches in sizes.items():
            for m in minibatches:
                for w in workers:
                    times = found.setdefault(f"{recipe} {m} {w}", [])
                    if len(times) >= rounds:
                        continue
                    times.append(m / throughput("processes", w, 1, seconds, recipe, m))
                    write_atomically(file, json.dumps(found, indent=1))
                    print(f"{recipe}, m = {m}, {w} workers: {1e3 * times[-1]:.1f} ms", flush=True)
    return found


def cost(recipe: str) -> tuple[list[int], list[int], float, str]:
    """Products of G and of D, bytes of their gradients, and the update rule."""
    gan, _, settings = model_of_recipe(recipe, random_examples(recipe, 20))
    pair = (gan.generator, gan.discriminator)
    size = 4.0 * sum(network.count_params() for network in pair)
    return *map(products, pair), size, settings.update


def terms(flops: float, size: float, w: int, cores: int) -> list[float]:
    """What s, 1 / r, 1 / u, 1 / b and l are multiplied by."""
    each = max(1.0, w / cores)
    return [each, each * flops / w, each * size, 2 * (w - 1) * size, 2.0 * (w - 1)]


def fit(rows: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """The five numbers, at least 0, by least squares of relative errors."""
    relative = rows / seconds[:, None]
    scale = relative.max(axis=0)
    scale[scale == 0] = 1
    return scipy.optimize.nnls(relative / scale, np.ones(len(rows)))[0] / scale


def compare(keys: list[tuple], rows: np.ndarray, seconds: np.ndarray, cores: int) -> np.ndarray:
    """Fits the model to all but the largest number of workers, and prints it next to all."""
    largest = max(w for _, _, w in keys)
    known = np.array([w < largest for _, _, w in keys])
    numbers = fit(rows[known], seconds[known])
    table = Table(title=f"{cores} cores; {largest} workers are predicted, not fitted")
    for column in ("recipe", "m", "workers", "measured, ms", "model, ms", "error"):
        table.add_column(column, justify="right")
    for (recipe, m, w), measured, model in zip(keys, seconds, rows @ numbers, strict=True):
        shown = (f"{1e3 * measured:.1f}", f"{1e3 * model:.1f}", f"{model / measured - 1:+.0%}")
        table.add_row(recipe, str(m), str(w), *shown)
    Console().print(table)
    with np.errstate(divide="ignore"):
        r, u, b = 1e-9 / numbers[1:4]
    print(
        f"s = {1e3 * numbers[0]:.2f} ms, r = {r:.1f} GFLOP/s a core, u = {u:.2f} GB/s, "
        f"b = {b:.2f} GB/s, l = {1e3 * numbers[4]:.2f} ms"
    )
    return numbers


def predict(recipe: str, flops: float, size: float, numbers: np.ndarray, table: Table) -> None:
    """Adds the rows of a recipe: `flops` of a step of `EACH` examples on every device."""
    alone = numbers @ terms(flops, size, 1, 1)
    for n in DEVICES:
        row = np.array(terms(n * flops, size, n, n))
        row[3] /= n  # each has a link of its own
        step, reduce = float(row @ numbers), float(row[3:] @ numbers[3:])
        shown = (f"{1e3 * step:.2f}", f"{reduce / step:.0%}", f"{EACH * n / step:,.0f}")
        table.add_row(recipe, str(n), *shown, f"{alone / step:.0%}")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--toy", action="store_true", help="small sizes, to try the program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    for name in ("gflops", "gigabytes", "microseconds"):
        parser.add_argument(f"--{name}", type=float)
    options = parser.parse_args(argv)
    sizes = TOY if options.toy else SIZES
    found = measure(options.out, sizes, options.workers, options.rounds, options.seconds)
    costs, cores = {recipe: cost(recipe) for recipe in sizes}, len(os.sched_getaffinity(0))

    def flops(recipe: str, m: int) -> float:
        g, d, _, update = costs[recipe]
        return flops_per_step(g, d, m, 1, update)

    keys = [(r, int(m), int(w)) for r, m, w in (name.split() for name in found) if r in costs]
    rows = np.array([terms(flops(r, m), costs[r][2], w, cores) for r, m, w in keys])
    seconds = np.array([statistics.median(found[f"{r} {m} {w}"]) for r, m, w in keys])
    numbers = compare(keys, rows, seconds, cores)
    if options.gflops:
        rate, bandwidth, latency = options.gflops, options.gigabytes, options.microseconds
        numbers = np.array([0, 1e-9 / rate, 0, 1e-9 / bandwidth, 1e-6 * latency])
    table = Table(title=f"predicted: {EACH} examples a device, each with a link of its own")
    for column in ("recipe", "devices", "step, ms", "all-reduce", "images/s", "of linear"):
        table.add_column(column, justify="right")
    for recipe in sizes:
        predict(recipe, flops(recipe, EACH), costs[recipe][2], numbers, table)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
