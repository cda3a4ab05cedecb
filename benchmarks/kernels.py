"""Time of a step and of features: oneDNN's kernels, widths, and threads of an operation.

    python benchmarks/kernels.py [--tables kernels widths threads] [--steps 8]

Random pixels: the speed does not depend on them. Each number is of a process of its own, because
TensorFlow chooses kernels and threads when it starts; the shortest of three times counts. The first
table is without and with oneDNN's kernels, the second of networks of several widths: processor time
on one thread. The third is the time on all cores, with an operation on all of them and on one, in
bfloat16 only where it is not emulated.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RECIPES = ("pictures", "cifar10_conv_tuned", "mnist_r3gan", "mnist")
FEATURES = "efficientnet_lite0"  # of 100 pictures of 32x32
SWITCH = "TF_ENABLE_ONEDNN_OPTS"
PAIRS = 2  # of the third table
WIDTHS, PRECISIONS = (8, 16, 20, 24, 26, 28, 32, 40, 48), ("float32", "mixed_bfloat16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tables = {table.__name__: table for table in (kernels, widths, threads)}
    parser.add_argument("--tables", nargs="+", choices=tables, default=list(tables))
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--width", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--precision", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        given = {"width": options.width, "precision": options.precision}
        changes = {name: value for name, value in given.items() if value is not None}
        print(milliseconds(options.child, options.steps, changes, options.threads))
        return
    for name in options.tables:
        tables[name](options.steps)


def kernels(steps: int) -> None:
    print("| | without, ms | with, ms | ratio |\n|---|---|---|---|")
    for name in (*RECIPES, FEATURES):
        without, with_them = (in_own_process(name, steps, on) for on in "01")
        row = f"| `{name}` | {without:,.0f} | {with_them:,.0f} | {without / with_them:.1f} |"
        print(row, flush=True)


def widths(steps: int) -> None:
    print(f"\n| width of `pictures` | {', ms | '.join(PRECISIONS)}, ms |\n|---|---|---|")
    for width in WIDTHS:
        changes = (["--width", str(width), "--precision", name] for name in PRECISIONS)
        times = [in_own_process("pictures", steps, "1", *change) for change in changes]
        print(f"| {width} | {' | '.join(f'{time:,.0f}' for time in times)} |", flush=True)


def threads(steps: int) -> None:
    from keras_gan.experiment.speed import bfloat16_is_native

    print("\n| | precision | on all cores, ms | on one, ms | ratio |\n|---|---|---|---|---|")
    pictures = (["pictures", "--width", width] for width in ("16", "24", "32"))
    networks = (*pictures, ["mnist_r3gan"], ["mnist"], ["cifar10_conv_tuned"])
    precisions = PRECISIONS if bfloat16_is_native() else PRECISIONS[:1]
    for network, precision in itertools.product(networks, precisions):
        name, *changes = [*network, "--precision", precision]
        pairs = [
            [in_own_process(name, steps, "1", *changes, "--threads", number) for number in "01"]
            for _ in range(PAIRS)
        ]
        times = " | ".join(f"{statistics.median(time):,.0f}" for time in zip(*pairs, strict=True))
        ratio = statistics.median(all_cores / one for all_cores, one in pairs)
        print(f"| {' '.join(network)} | {precision} | {times} | {ratio:.2f} |", flush=True)


def in_own_process(name: str, steps: int, on: str, *changes: str) -> float:
    """Milliseconds, measured in another process."""
    environment = {**os.environ, SWITCH: on, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    command = [sys.executable, __file__, "--child", name, "--steps", str(steps), *changes]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


def milliseconds(name: str, steps: int, changes: dict, threads: int | None) -> float:
    """Processor time of a step, or of the features of 100 pictures; with `threads`, all time."""
    import tensorflow as tf

    clock = time.process_time if threads is None else time.perf_counter
    tf.config.threading.set_intra_op_parallelism_threads(1 if threads is None else threads)
    tf.config.threading.set_inter_op_parallelism_threads(1 if threads is None else 0)
    run = features() if name == FEATURES else training(name, steps, changes)
    run()  # traced
    seconds = []
    for _ in range(3):
        began = clock()
        run()
        seconds.append(clock() - began)
    return 1000 * min(seconds) / (1 if name == FEATURES else steps)


def training(name: str, steps: int, changes: dict):
    """A function that trains for so many steps."""
    from steps import model_of_recipe, random_examples

    gan, arguments, settings = model_of_recipe(name, random_examples(name, 1), **changes)
    gan.compile(**arguments, steps_per_execution=steps)
    x = random_examples(name, settings.batch_size * steps)
    return lambda: gan.fit(x, batch_size=settings.batch_size, verbose=0)


def features():
    """A function that computes features of 100 pictures."""
    import numpy as np

    from keras_gan.evaluation.features import load

    network = load(FEATURES)
    pictures = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3), np.uint8)
    return lambda: network.features(pictures)


if __name__ == "__main__":
    main()
