"""ParzenWindow compared with tensorflow-probability's MixtureSameFamily, in one run.

    python benchmarks/parzen.py [--count 10000] [--bandwidths 10] [--repeats 5] [--seconds 20]

Prints the time of each per point and bandwidth and their ratio, the additional peak memory of
ParzenWindow, and what twice the centers or twice the points cost it. MixtureSameFamily runs in the
way and at the block size that are fastest, on as many points as it takes in the seconds given; the
two log densities are compared on these points. Each time is the shortest of its repeats, because
what else the machine does can only add. Ends with code 1 where a bar is missed. Memory is read from
/proc: Linux only.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from rich.console import Console
from rich.table import Table

from keras_gan import ParzenWindow

DIMENSION = 784
BLOCKS, REPEATS = (1, 2, 4, 8, 16, 32), 10  # of MixtureSameFamily
TIMES_AS_FAST, GIB, DOUBLING = 100, 1.0, (1.7, 2.3)  # the bars
LogDensity = Callable[[tf.Tensor], tf.Tensor]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def additional_peak(work: Callable[[], object]) -> float:
    """GiB that the work held at its peak, beyond what was held before."""

    def status(key: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key))

    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = status("VmRSS")
    work()
    return (status("VmHWM") - before) / 2**20


def mixture_ways(centers: tf.Tensor, sigma: float) -> dict[str, LogDensity]:
    count = centers.shape[0]
    mixture = tfp.distributions.MixtureSameFamily(
        tfp.distributions.Categorical(logits=tf.zeros(count)),
        tfp.distributions.Independent(tfp.distributions.Normal(centers, sigma), 1),
    )
    return {
        "eager": mixture.log_prob,
        "tf.function": tf.function(mixture.log_prob),
        "XLA": tf.function(mixture.log_prob, jit_compile=True),
    }


def best_of_each_way(
    ways: dict[str, LogDensity], points: tf.Tensor
) -> dict[str, tuple[float, int]]:
    """For each way its fastest block size, and seconds per point at it."""
    best: dict[str, tuple[float, int]] = {}
    for way, log_prob in ways.items():
        for block in BLOCKS:
            rows = points[:block]
            log_prob(rows)  # traced, compiled
            per_point = min(seconds(lambda: log_prob(rows).numpy()) for _ in range(REPEATS)) / block  # noqa: B023
            best[way] = min(best.get(way, (float("inf"), 0)), (per_point, block))
    return best


def as_many_as_fit(
    log_prob: LogDensity, points: tf.Tensor, block: int, limit: float
) -> tuple[float, np.ndarray]:
    """Seconds per point of the fastest block, and the log densities, within the limit."""
    values, times = [], []
    for first in range(0, len(points) - block + 1, block):
        rows = points[first : first + block]
        times.append(seconds(lambda: values.append(log_prob(rows).numpy())))  # noqa: B023
        if sum(times) > limit:
            break
    return min(times) / block, np.concatenate(values)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="of centers, and of points")
    parser.add_argument("--bandwidths", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5, help="of each timing of ParzenWindow")
    parser.add_argument("--seconds", type=float, default=20, help="for MixtureSameFamily's best")
    args = parser.parse_args(argv)

    random = np.random.default_rng(0)
    shape = [args.count, DIMENSION]
    centers, points = (tf.constant(random.random(shape, np.float32)) for _ in range(2))
    sigmas = np.geomspace(0.1, 1.0, args.bandwidths).astype(np.float32)

    def parzen(centers: tf.Tensor, points: tf.Tensor) -> np.ndarray:
        return ParzenWindow(centers, sigmas).log_prob(points[:, None, :]).numpy()

    for few in (10, 20):  # two shapes, so that it is traced for all
        parzen(centers[:few], points[: 2 * few])
    peak = additional_peak(lambda: parzen(centers, points))

    inputs = {
        "as given": (centers, points),
        "twice the centers": (tf.concat([centers, 1 - centers], axis=0), points),
        "twice the points": (centers, tf.concat([points, 1 - points], axis=0)),
    }
    times: dict[str, list[float]] = {name: [] for name in inputs}
    core_times: dict[str, list[float]] = {name: [] for name in inputs}
    for _ in range(args.repeats):  # in turn, so that a slow moment of the machine meets all
        for name, arrays in inputs.items():
            started = time.process_time()
            times[name].append(seconds(lambda: parzen(*arrays)))  # noqa: B023
            core_times[name].append(time.process_time() - started)
    shortest = {name: min(repeats) for name, repeats in times.items()}
    of_cores = {name: min(repeats) for name, repeats in core_times.items()}
    parzen_per_point = shortest["as given"] / (args.count * args.bandwidths)

    ways = mixture_ways(centers, sigmas[0])
    best = best_of_each_way(ways, points)
    way = min(best, key=lambda name: best[name])
    per_point, reference = as_many_as_fit(ways[way], points, best[way][1], args.seconds)
    difference = np.abs(parzen(centers, points[: len(reference)])[:, 0] - reference).max()
    fast = per_point / parzen_per_point
    doubled = {name: shortest[name] / shortest["as given"] for name in list(inputs)[1:]}

    table = Table(
        "measure", "value", "bar",
        title=f"{args.count:,} centers and points in {DIMENSION} dimensions, "
        f"{args.bandwidths} bandwidths",
    )  # fmt: skip
    rows = [("ParzenWindow, us per point and bandwidth", f"{1e6 * parzen_per_point:.1f}", "")]
    for name, (fastest, block) in best.items():
        label = f"MixtureSameFamily, {name}, blocks of {block}"
        rows.append((f"{label}, best of {REPEATS}", f"{1e6 * fastest:,.0f}", ""))
    rows += [
        (f"MixtureSameFamily, {way}, {len(reference):,} points", f"{1e6 * per_point:,.0f}", ""),
        ("ParzenWindow is faster by", f"{fast:.0f}", f">= {TIMES_AS_FAST}"),
        ("largest difference of the two, nats", f"{difference:.4f}", ""),
        ("additional peak memory, GiB", f"{peak:.2f}", f"< {GIB:g}"),
    ]
    for name, ratio in doubled.items():
        rows.append((f"cost of {name}", f"{ratio:.2f}", "{} to {}".format(*DOUBLING)))
        in_cores = of_cores[name] / of_cores["as given"]
        rows.append(("    in time of the cores", f"{in_cores:.2f}", ""))
    for row in rows:
        table.add_row(*row)
    Console(width=100).print(table)
    low, high = DOUBLING
    held = fast >= TIMES_AS_FAST and peak < GIB and all(low <= r <= high for r in doubled.values())
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
