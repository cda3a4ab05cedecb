"""What a step costs on paper, and what replicas, processes and survival cost when measured.

    python benchmarks/scaling.py --paper          floating-point operations and bytes of each recipe
    python benchmarks/scaling.py [--seconds 10]   the measurements, on the MNIST recipe

Measured, each configuration in a process of its own, in turn, three rounds, medians: images per
second on 1, 2 and 4 virtual devices and in 1 and 2 processes, bound to the stated number of cores;
in pairs within one process, what a strategy of one device costs compared with none; and how long a
checkpoint after each epoch keeps training waiting. Random pixels: the speed does not depend on
them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from rich.console import Console
from rich.table import Table
from steps import (
    SHAPES,
    flops_per_step,
    model_of_recipe,
    products,
    random_examples,
    seconds_per_step,
)

BATCH = 100


# ------------------------------------------------------------------------ on paper


def paper() -> None:
    table = Table(title="a step of each recipe (one generator update, k = 1)")
    for column in ("recipe", "m", "GFLOP", "gradients, MB", "input, MB", "FLOP per gradient byte"):
        table.add_column(column, justify="right")
    for name, shape in SHAPES.items():
        gan, _, settings = model_of_recipe(name, random_examples(name, 20))
        pair, m = (gan.generator, gan.discriminator), settings.batch_size
        flops = flops_per_step(*map(products, pair), m, 1, settings.update)
        gradients = 4 * sum(network.count_params() for network in pair)
        table.add_row(
            name,
            str(m),
            f"{flops / 1e9:.2f}",
            f"{gradients / 1e6:.1f}",
            f"{4 * m * math.prod(shape) / 1e6:.2f}",
            f"{flops / gradients:.0f}",
        )
    Console().print(table)


# ------------------------------------------------------------------------ measured


def make_gan(strategy, recipe: str = "mnist"):
    with strategy.scope():
        gan, arguments, _ = model_of_recipe(recipe, random_examples(recipe, 2))
        gan.compile(**arguments, steps_per_execution=10)
    return gan


def child(kind: str, devices: int, cores: int, seconds: float, recipe: str, batch: int) -> None:
    """Prints steps per second of one configuration."""
    usable = sorted(os.sched_getaffinity(0))
    if kind == "processes":  # each on its own core, while there are enough
        place = json.loads(os.environ.get("TF_CONFIG", '{"task": {"index": 0}}'))["task"]["index"]
        usable, cores = usable[place % len(usable) :], 1
    os.sched_setaffinity(0, usable[:cores])
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(cores)
    strategy = tf.distribute.get_strategy()
    if kind == "processes" and devices > 1:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif devices > 1:
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * devices
        )
        strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(devices)])
    gan = make_gan(strategy, recipe)
    steps = max(20, int(seconds * 20) // 10 * 10)
    x = random_examples(recipe, steps * batch)
    print(json.dumps(1 / seconds_per_step(gan, x, batch_size=batch)))


def throughput(
    kind: str, devices: int, cores: int, seconds: float, recipe: str = "mnist", batch: int = BATCH
) -> float:
    """Images per second of a configuration, in processes of its own."""
    ports = []
    for _ in range(devices if kind == "processes" else 0):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            ports.append(one.getsockname()[1])
    configs = [{}]
    if kind == "processes" and devices > 1:
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
        configs = [
            {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}})}
            for i in range(devices)
        ]
    child = (kind, devices, cores, recipe, batch)
    command = [sys.executable, __file__, "--child", *map(str, child)]
    processes = [
        subprocess.Popen(
            [*command, "--seconds", str(seconds)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **config},
            stdout=subprocess.PIPE,
            text=True,
        )
        for config in configs
    ]
    printed = [process.communicate()[0] for process in processes]
    return batch * json.loads(printed[0].splitlines()[-1])


def measure_replicas(seconds: float) -> None:
    configurations = [
        ("devices", 1, 1),
        ("devices", 1, 2),
        ("devices", 2, 2),
        ("devices", 4, 2),
        ("processes", 1, 1),
        ("processes", 2, 2),
    ]
    rates: dict[tuple, list[float]] = {c: [] for c in configurations}
    for _ in range(3):
        for configuration in configurations:
            rates[configuration].append(throughput(*configuration, seconds))
    medians = {c: statistics.median(values) for c, values in rates.items()}
    table = Table(title="MNIST recipe, global minibatch 100, simultaneous")
    for column in ("", "cores", "images/s", "per core, of one device on one core"):
        table.add_column(column, justify="right")
    base = medians["devices", 1, 1]
    for (kind, n, cores), value in medians.items():
        table.add_row(f"{n} {kind}", str(cores), f"{value:.0f}", f"{value / cores / base:.2f}")
    Console().print(table)


def measure_wrapper(seconds: float) -> None:
    import tensorflow as tf

    device = tf.config.list_logical_devices()[0].name
    models = {
        "none": make_gan(tf.distribute.get_strategy()),
        "one_device": make_gan(tf.distribute.OneDeviceStrategy(device)),
        "mirrored": make_gan(tf.distribute.MirroredStrategy([device])),
    }
    x, times = random_examples("mnist", 100 * BATCH), {name: [] for name in models}
    for round_ in range(1 + max(3, int(seconds))):
        for name, gan in models.items():
            seconds_of_step = seconds_per_step(gan, x, batch_size=BATCH)
            if round_:
                times[name].append(seconds_of_step)
    for name in ("one_device", "mirrored"):
        ratios = [a / b for a, b in zip(times[name], times["none"], strict=True)]
        print(f"strategy {name}: {statistics.median(ratios) - 1:+.1%} of a step (bar: 5 %)")


def measure_checkpoints() -> None:
    import tensorflow as tf

    from keras_gan import callbacks

    waited, ends = [], []

    class Timed(callbacks.Checkpoint):
        def on_epoch_end(self, epoch, logs=None):
            began = time.perf_counter()
            super().on_epoch_end(epoch, logs)
            waited.append(time.perf_counter() - began)

        def on_epoch_begin(self, epoch, logs=None):
            ends.append(time.perf_counter())

    gan = make_gan(tf.distribute.get_strategy())
    with tempfile.TemporaryDirectory() as folder:
        gan.fit(
            random_examples("mnist", 500 * BATCH),
            batch_size=BATCH,
            epochs=5,
            callbacks=[Timed(folder)],
            verbose=0,
        )
    epochs = np.diff(ends)[1:]  # the first includes the tracing
    print(
        f"checkpoint after each epoch: training waits {statistics.median(waited[1:]):.3f} s of an "
        f"epoch of {statistics.median(epochs):.1f} s: "
        f"{statistics.median(waited[1:]) / statistics.median(epochs):.1%} (bar: 3 %)"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paper", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, devices, cores, recipe, batch = options.child
        child(kind, int(devices), int(cores), options.seconds, recipe, int(batch))
    elif options.paper:
        paper()
    else:
        measure_checkpoints()
        measure_wrapper(options.seconds)
        measure_replicas(options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
