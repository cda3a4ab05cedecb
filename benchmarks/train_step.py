"""Steps per second of the MNIST recipe beside a plain Keras GAN, in alternating pairs.

    python benchmarks/train_step.py [--pairs 9] [--steps 60] [--xla]

The plain model is written as the examples on keras.io are and run as their users do: two gradient
tapes, Keras's SGD with momentum, its Dropout and operations, `fit` on a shuffled `tf.data` set, one
step per execution. The networks are the same. It needs no data: the speed does not depend on the
pixels.
"""

from __future__ import annotations

import argparse
import statistics
import time

import keras
import numpy as np
import tensorflow as tf
from plain import PlainGAN, in_keras_layers
from rich.console import Console
from rich.table import Table
from steps import Clock, flops_per_step, model_of, products

from keras_gan.training import streams

BATCH = 100


def plain(x: np.ndarray, steps: int, **compile_arguments):
    """A function that trains the plain model, and gives seconds a step."""
    gan, _, _ = model_of("mnist", x)
    model = PlainGAN(gan.generator, in_keras_layers(gan.discriminator), 100)
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.5),
        keras.optimizers.SGD(0.1, momentum=0.5),
        keras.losses.BinaryCrossentropy(from_logits=True),
        **compile_arguments,
    )
    data = (
        tf.data.Dataset.from_tensor_slices(x)
        .shuffle(1024)
        .batch(BATCH, drop_remainder=True)
        .repeat()
    )

    def train() -> float:
        clock = Clock()
        model.fit(data, steps_per_epoch=steps, shuffle=False, callbacks=[clock], verbose=0)
        return clock.seconds_per_step

    return train


def ours(x: np.ndarray, rule: str, jit: bool = False):
    """A function that trains ours as the train command does, and gives seconds a step."""
    model, arguments, _ = model_of("mnist", x, update=rule, jit_compile=jit)
    model.compile(**arguments, steps_per_execution=10)

    def train() -> float:
        clock = Clock()
        model.fit(x, batch_size=BATCH, callbacks=[clock], verbose=0)
        return clock.seconds_per_step

    return train


def input_rate(x: np.ndarray) -> float:
    """Steps per second that the input pipeline alone could feed."""
    stream = streams.IndexedStream(x, None, BATCH, 1, seed=0)
    rates = []
    for _ in range(5):
        began = time.perf_counter()
        steps = sum(1 for _ in stream.dataset())
        rates.append(steps / (time.perf_counter() - began))
    return statistics.median(rates)


def product_rate() -> float:
    """Operations per second of a large float32 matrix product."""
    a = tf.random.normal((3000, 3000))
    product = tf.function(lambda: tf.linalg.matmul(a, a))
    product()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        product()
        times.append(time.perf_counter() - began)
    return 2 * 3000**3 / min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=9, help="alternating measurements of each")
    parser.add_argument(
        "--steps", type=int, default=60, help="steps of a measurement, a multiple of 10"
    )
    parser.add_argument("--xla", action="store_true", help="measure XLA as well")
    options = parser.parse_args()
    x = np.random.default_rng(0).random((BATCH * options.steps, 28, 28, 1), dtype=np.float32)
    steps = options.steps
    contestants = {
        "plain, 1 step per execution": (plain(x, steps), "alternating"),
        "plain, 10 steps per execution": (plain(x, steps, steps_per_execution=10), "alternating"),
        "ours, alternating": (ours(x, "alternating"), "alternating"),
        "ours, simultaneous": (ours(x, "simultaneous"), "simultaneous"),
    }
    if options.xla:
        contestants["plain, XLA"] = (plain(x, steps, jit_compile=True), "alternating")
        contestants["ours, alternating, XLA"] = (ours(x, "alternating", True), "alternating")
        contestants["ours, simultaneous, XLA"] = (ours(x, "simultaneous", True), "simultaneous")
    layers = [products(network) for network in model_of("mnist", x)[0].networks]
    flops = {
        rule: flops_per_step(*layers, BATCH, 1, rule) for rule in ("alternating", "simultaneous")
    }
    for function, _ in contestants.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    rates = []
    for _ in range(options.pairs):
        rates.append(product_rate())
        for name, (function, _) in contestants.items():
            times[name].append(function())
    rate = statistics.median(rates)
    base = times["plain, 1 step per execution"]
    table = Table(title=f"MNIST recipe's networks, m = {BATCH}, medians of {options.pairs}")
    for column in ("", "steps/s", "ratio to plain", "GFLOP/step", "GFLOP/s", "of a large product"):
        table.add_column(column, justify="left" if not column else "right")
    for name, (_, rule) in contestants.items():
        per_second = 1 / statistics.median(times[name])
        ratio = statistics.median(b / t for b, t in zip(base, times[name], strict=True))
        reached = per_second * flops[rule]
        table.add_row(
            name,
            f"{per_second:.1f}",
            f"{ratio:.2f}",
            f"{flops[rule] / 1e9:.2f}",
            f"{reached / 1e9:.0f}",
            f"{reached / rate:.2f}",
        )
    Console().print(table)
    print(f"a 3000 x 3000 float32 product: {rate / 1e9:.0f} GFLOP/s")
    print(f"the input pipeline alone: {input_rate(x):.0f} steps/s")


if __name__ == "__main__":
    main()
