"""Steps per second of the MNIST recipe's networks, against a plain Keras GAN or another version.

    python benchmarks/train_step.py [--pairs 11] [--steps 60] [--xla]
    python benchmarks/train_step.py --against PATH [--pairs 11] [--steps 60]

The plain model is written as the examples on keras.io are and run as their users do: two gradient
tapes, Keras's SGD with momentum, its Dropout and operations, `fit` on a shuffled `tf.data` set, one
step per execution. With `--against`, this version and the one in that checkout run in alternating
pairs, each in a process of its own. Random pixels: the speed does not depend on them.

The last columns say how near a step is to two limits: the rate of a large float32 product, and the
time of the step's own products at their shapes with one pass over the parameters.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import keras
import tensorflow as tf
from plain import PlainGAN, in_keras_layers
from steps import (
    flops_per_step,
    own_limit,
    print_table,
    products,
    random_examples,
    seconds_of,
    seconds_per_step,
)

from keras_gan import GAN, networks, optimizers, priors

BATCH = 100
UPDATES = ("alternating", "simultaneous")


def mnist_networks() -> tuple[keras.Model, keras.Model]:
    generator = networks.mlp_generator(
        100, (28, 28, 1), hidden=[(1200, "relu")] * 2, output_activation="sigmoid"
    )
    return generator, networks.maxout_discriminator((28, 28, 1), units=240, seed=1)


def plain(steps: int, **compile_arguments):
    """A function that trains the plain model and returns seconds per step."""
    generator, discriminator = mnist_networks()
    model = PlainGAN(generator, in_keras_layers(discriminator), 100)
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.5),
        keras.optimizers.SGD(0.1, momentum=0.5),
        keras.losses.BinaryCrossentropy(from_logits=True),
        **compile_arguments,
    )
    x = random_examples("mnist", BATCH * steps)
    data = tf.data.Dataset.from_tensor_slices(x).shuffle(1024)
    data = data.batch(BATCH, drop_remainder=True).repeat()
    return functools.partial(seconds_per_step, model, data, steps_per_epoch=steps, shuffle=False)


def ours(steps: int, update: str, jit_compile: bool = False):
    """A function that trains this package's model and returns seconds per step."""
    model = GAN(*mnist_networks(), priors.Uniform(100))
    model.compile(
        optimizers.MomentumSGD(0.1, 0.5),
        optimizers.MomentumSGD(0.1, 0.5),
        update=update,
        steps_per_execution=10,
        jit_compile=jit_compile,
    )
    x = random_examples("mnist", BATCH * steps)
    return functools.partial(seconds_per_step, model, x, batch_size=BATCH)


def product_rate() -> float:
    """Operations per second of a large float32 matrix product."""
    a = tf.random.normal((3000, 3000))
    product = tf.function(lambda: tf.linalg.matmul(a, a))
    product()
    return 2 * 3000**3 / min(seconds_of(product, 5))


def against_plain(pairs: int, steps: int, xla: bool) -> None:
    models = {
        "plain, 1 step per execution": (plain(steps), "alternating"),
        "plain, 10 steps per execution": (plain(steps, steps_per_execution=10), "alternating"),
        **{f"ours, {update}": (ours(steps, update), update) for update in UPDATES},
    }
    if xla:
        models["plain, XLA"] = (plain(steps, jit_compile=True), "alternating")
        models |= {
            f"ours, {update}, XLA": (ours(steps, update, True), update) for update in UPDATES
        }
    counts = [products(network) for network in mnist_networks()]
    times: dict[str, list[float]] = {name: [] for name in models}
    rates = []
    own = {update: own_limit(*mnist_networks(), BATCH, update) for update in UPDATES}
    limits: dict[str, list[float]] = {update: [] for update in UPDATES}
    for train, _ in models.values():
        train()  # traced, compiled
    for _ in range(pairs):
        rates.append(product_rate())
        for update, limit in own.items():
            limits[update].append(limit())
        for name, (train, _) in models.items():
            times[name].append(train())
    base, rows = times["plain, 1 step per execution"], []
    for name, (_, update) in models.items():
        flops = flops_per_step(*counts, BATCH, 1, update)
        per_second = 1 / statistics.median(times[name])
        ratio = statistics.median(b / t for b, t in zip(base, times[name], strict=True))
        share = per_second * flops / statistics.median(rates)
        pairs_of_times = zip(limits[update], times[name], strict=True)
        of_limit = statistics.median(least / taken for least, taken in pairs_of_times)
        numbers = [ratio, flops / 1e9, share, of_limit]
        rows.append([name, f"{per_second:.1f}", *(f"{number:.2f}" for number in numbers)])
    print_table(
        f"MNIST recipe's networks, m = {BATCH}, medians of {pairs}",
        [
            "",
            "steps/s",
            "ratio to plain",
            "GFLOP/step",
            "of a large product's rate",
            "of its own limit",
        ],
        rows,
    )


def in_own_process(checkout: Path, steps: int) -> dict[str, float]:
    """Steps per second of each update rule in a process with the checkout's keras_gan."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", "--steps", str(steps)],
        env={**os.environ, "PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def against_version(checkout: Path, pairs: int, steps: int) -> None:
    here, rows = Path(__file__).parents[1], []
    results = []
    for pair in range(pairs):  # the order changes, so that neither always runs second
        order = [here, checkout] if pair % 2 else [checkout, here]
        rates = {path: in_own_process(path, steps) for path in order}
        results.append((rates[here], rates[checkout]))
        print(f"pair {pair + 1}: " + json.dumps(results[-1]), flush=True)
    for update in UPDATES:
        new, old = zip(*((new[update], old[update]) for new, old in results), strict=True)
        ratio = statistics.median(a / b for a, b in zip(new, old, strict=True))
        medians = [f"{statistics.median(rates):.1f}" for rates in (new, old)]
        rows.append([update, *medians, f"{ratio:.3f}"])
    print_table(
        f"Steps per second, {pairs} pairs", ["", "this version", str(checkout), "ratio"], rows
    )


def child(steps: int) -> None:
    rates = {}
    for update in UPDATES:
        train = ours(steps, update)
        train()  # traced
        rates[update] = 1 / statistics.median(train() for _ in range(3))
    print(json.dumps(rates))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="a checkout of another version")
    parser.add_argument("--pairs", type=int, default=11, help="alternating measurements of each")
    parser.add_argument("--steps", type=int, default=60, help="of a measurement; a multiple of 10")
    parser.add_argument("--xla", action="store_true", help="measure XLA as well")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.steps)
    elif options.against:
        against_version(options.against.resolve(), options.pairs, options.steps)
    else:
        against_plain(options.pairs, options.steps, options.xla)


if __name__ == "__main__":
    main()
