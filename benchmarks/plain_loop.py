"""A training step of convolutional networks against a plain TensorFlow loop.

    python benchmarks/plain_loop.py [--pairs 11] [--steps 20] [--case NAME ...]

Both train the same networks by the same mathematics, which is checked first. The plain loop is
what a user writes without this package: a shuffled `tf.data` set, latents of `tf.random.normal`,
two gradient tapes in one `tf.function`, Keras's Adam and a moving average of G. It runs with our
fused Adam as well, which shows what comes from the optimizer. Ours is `fit` as the train command
calls it. Measurements alternate. Random pixels: the speed does not depend on them.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it is in no package

from benchmarks.steps import seconds_per_step
from keras_gan import GAN, layers, losses, networks, optimizers, priors, regularizers
from keras_gan.core.randomness import Purpose, StepDraws

LATENTS = 64
MOMENTUM = 0.999  # of the moving average
GAMMA = 1.0  # weight of R1 and R2
STEPS_PER_CALL = 5  # of ours; the first call is not measured
Networks = tuple[keras.Model, keras.Model]


@dataclasses.dataclass(frozen=True)
class Case:
    """What is trained.

    Attributes:
        make: From a width to G and D.
        width: Width of the networks.
        shape: Shape of an example.
        m: Examples of a minibatch.
        k: Updates of D in a step.
        loss: "relativistic" or "hinge".
        penalties: Whether D has R1 and R2.
    """

    make: Callable[[int, tuple[int, ...]], Networks]
    width: int
    shape: tuple[int, ...]
    m: int
    loss: str
    k: int = 1
    penalties: bool = False

    def networks(self) -> Networks:
        """G and D; the same weights each time."""
        return self.make(self.width, self.shape)

    def examples(self, steps: int) -> np.ndarray:
        """Examples for so many steps, float32 in [-1, 1)."""
        random = np.random.default_rng(0)
        return 2 * random.random((steps * self.k * self.m, *self.shape), dtype=np.float32) - 1


def dcgan(width: int, shape: tuple[int, ...], batch_norm: bool = False, **arguments) -> Networks:
    return (
        networks.dcgan_generator(shape, LATENTS, width=width, batch_norm=batch_norm, **arguments),
        networks.dcgan_discriminator(shape, width=width, seed=1, **arguments),
    )


residual = functools.partial(dcgan, batch_norm=True, blocks=1)  # like those of `mnist_r3gan`
filtered = functools.partial(residual, full_size=True)  # like those of `pictures` on CPUs


def sngan(width: int, shape: tuple[int, ...]) -> Networks:
    return (
        networks.sngan_generator(shape, LATENTS, width=width),
        networks.sngan_discriminator(shape, width=width, seed=1),
    )


def r3gan(width: int, shape: tuple[int, ...]) -> Networks:
    arguments = {"widths": width, "blocks": 1, "group_size": None}
    return (
        networks.r3gan_generator(shape, LATENTS, **arguments),
        networks.r3gan_discriminator(shape, **arguments, seed=1),
    )


CASES = {
    "dcgan": Case(dcgan, 32, (28, 28, 1), 64, "relativistic"),
    "dcgan_penalties": Case(dcgan, 32, (28, 28, 1), 64, "relativistic", penalties=True),
    "residual": Case(residual, 16, (28, 28, 1), 32, "relativistic"),
    "residual_penalties": Case(residual, 16, (28, 28, 1), 32, "relativistic", penalties=True),
    "filtered": Case(filtered, 16, (32, 32, 3), 32, "relativistic"),
    "filtered_penalties": Case(filtered, 16, (32, 32, 3), 32, "relativistic", penalties=True),
    **{f"sngan_k{k}": Case(sngan, 16, (32, 32, 3), 16, "hinge", k=k) for k in range(1, 6)},
    "r3gan": Case(r3gan, 24, (32, 32, 3), 16, "relativistic"),
    "r3gan_penalties": Case(r3gan, 24, (32, 32, 3), 16, "relativistic", penalties=True),
}

# From D's output for data and for samples, `[m]` each, to the losses of D and of G.
LOSSES = {
    "relativistic": (
        lambda real, fake: tf.reduce_mean(tf.nn.softplus(fake - real)),
        lambda real, fake: tf.reduce_mean(tf.nn.softplus(real - fake)),
    ),
    "hinge": (
        lambda real, fake: tf.reduce_mean(tf.nn.relu(1 - real) + tf.nn.relu(1 + fake)),
        lambda real, fake: -tf.reduce_mean(fake),
    ),
}


class PlainLoop:
    """The plain loop.

    Args:
        case: What it trains.
        optimizer: Makes an optimizer.
    """

    def __init__(self, case: Case, optimizer: Callable[[], keras.Optimizer]):
        self.case = case
        self.generator, self.discriminator = case.networks()
        self.average = keras.models.clone_model(self.generator)
        self.average.set_weights(self.generator.get_weights())
        self.g_optimizer, self.d_optimizer = optimizer(), optimizer()
        self.g_optimizer.build(self.generator.trainable_variables)
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.normalized = [
            layer for layer in self.discriminator.layers if isinstance(layer, layers.SpectralNorm)
        ]
        self.d_loss, self.g_loss = LOSSES[case.loss]
        self.train_step = tf.function(self.step, autograph=False, jit_compile=False)

    def step(self, group: tf.Tensor, noise: Callable[[int], tf.Tensor] | None = None):
        """k updates of D, each on every k-th example, and one of G; returns both losses."""
        k = self.case.k
        if noise is None:

            def noise(j):
                return tf.random.normal((self.case.m, LATENTS))

        for j in range(k):
            real = group[j::k]
            d_loss = self.update_discriminator(real, noise(j))
        g_loss = self.update_generator(real, noise(k))
        for average, weight in zip(self.average.weights, self.generator.weights, strict=True):
            if weight.trainable:
                average.assign(MOMENTUM * average.value + (1 - MOMENTUM) * weight.value)
            else:
                average.assign(weight.value)
        return d_loss, g_loss

    # D has no layers that differ in training but spectral norms, which move once in each update.
    def update_discriminator(self, real: tf.Tensor, latents: tf.Tensor) -> tf.Tensor:
        fake = self.generator(latents, training=True)
        with tf.GradientTape() as tape:
            if self.case.penalties:
                with tf.GradientTape() as inner:
                    inner.watch([real, fake])
                    logits = self.discriminator(real)[:, 0], self.discriminator(fake)[:, 0]
                    total = tf.reduce_sum(logits)
                gradients = inner.gradient(total, [real, fake])
                squares = [tf.reduce_sum(gradient**2, (1, 2, 3)) for gradient in gradients]
                penalty = GAMMA / 2 * tf.reduce_mean(squares[0] + squares[1])
            else:
                logits = self.discriminator(real)[:, 0], self.discriminator(fake)[:, 0]
                penalty = 0.0
            loss = self.d_loss(*logits)
            objective = loss + penalty
        weights = self.discriminator.trainable_variables
        self.d_optimizer.apply(tape.gradient(objective, weights), weights)
        for layer in self.normalized:
            layer.after_update()
        return loss

    def update_generator(self, real: tf.Tensor, latents: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            fake = self.discriminator(self.generator(latents, training=True))[:, 0]
            compared = self.discriminator(real)[:, 0] if self.case.loss == "relativistic" else None
            loss = self.g_loss(compared, fake)
        weights = self.generator.trainable_variables
        self.g_optimizer.apply(tape.gradient(loss, weights), weights)
        return loss


def our_model(case: Case, optimizer: Callable[[], keras.Optimizer], **arguments) -> GAN:
    """The same as a model of this package."""
    gan = GAN(*case.networks(), priors.Normal(LATENTS), ema=MOMENTUM)
    penalties = [regularizers.R1(GAMMA), regularizers.R2(GAMMA)] if case.penalties else []
    gan.compile(
        optimizer(),
        optimizer(),
        losses.NAMES[case.loss](),
        discriminator_steps=case.k,
        regularizers=penalties,
        jit_compile=False,
        **arguments,
    )
    return gan


def difference(case: Case) -> tuple[float, float]:
    """How far the weights of both are apart after a step from the same weights, latents and data.

    Returns:
        The largest difference among the weights of D, G and the moving average (G's batch
        statistics apart: plain loops move them in D's updates, too), and the largest change.
    """

    def optimizer():
        return keras.optimizers.SGD(0.01)

    plain, gan, x = PlainLoop(case, optimizer), our_model(case, optimizer), case.examples(1)
    before = plain.discriminator.get_weights()
    plain.train_step(
        tf.constant(x),
        lambda j: gan.prior.draw(StepDraws(gan.seed, 0, j, Purpose.LATENTS, 0, case.m)),
    )
    gan.fit(x, batch_size=case.m, shuffle=False, verbose=0)
    pairs = [
        *zip(plain.discriminator.weights, gan.discriminator.weights, strict=True),
        *zip(plain.generator.trainable_weights, gan.generator.trainable_weights, strict=True),
        *zip(plain.average.weights, gan.ema_generator.weights, strict=True),
    ]
    apart = [np.abs(a - b).max() for a, b in pairs if "moving" not in a.path]
    moved = [np.abs(a - b).max() for a, b in zip(before, plain.discriminator.weights, strict=True)]
    return float(max(apart)), float(max(moved))


def timed_plain(case: Case, steps: int, optimizer) -> Callable[[], float]:
    """A function that trains the plain loop and returns seconds per step."""
    loop, x = PlainLoop(case, optimizer), case.examples(steps + 1)
    group = case.k * case.m
    data = tf.data.Dataset.from_tensor_slices(x).shuffle(1024).batch(group, drop_remainder=True)
    data = data.prefetch(tf.data.AUTOTUNE)

    def train() -> float:
        began = None
        for batch in data:
            d_loss, g_loss = loop.train_step(batch)
            if began is None:
                began = time.perf_counter()
        float(d_loss), float(g_loss)
        return (time.perf_counter() - began) / steps

    return train


def timed_ours(case: Case, steps: int) -> Callable[[], float]:
    """A function that trains our model and returns seconds per step."""
    gan = our_model(case, our_adam, steps_per_execution=STEPS_PER_CALL)
    x = case.examples(steps + STEPS_PER_CALL)
    return functools.partial(seconds_per_step, gan, x, batch_size=case.m)


def keras_adam() -> keras.Optimizer:
    return keras.optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.99, epsilon=1e-8)


def our_adam() -> keras.Optimizer:
    return optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.99, epsilon=1e-8)


def compare(case: Case, pairs: int, steps: int) -> tuple[float, dict[str, list[float]]]:
    """Median seconds of our step, and the ratios of the plain loops' seconds to it by optimizer."""
    ours = timed_ours(case, steps)
    plain = {
        "Keras's Adam": timed_plain(case, steps, keras_adam),
        "our Adam": timed_plain(case, steps, our_adam),
    }
    for train in (ours, *plain.values()):
        train()  # traced
    seconds, ratios = [], {name: [] for name in plain}
    for pair in range(pairs):
        order = [("ours", ours), *plain.items()]
        times = {name: train() for name, train in (order[::-1] if pair % 2 else order)}
        seconds.append(times["ours"])
        for name in plain:
            ratios[name].append(times[name] / times["ours"])
    return statistics.median(seconds), ratios


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=11, help="alternating measurements of each")
    parser.add_argument("--steps", type=int, default=20, help="of a measurement; a multiple of 5")
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES), metavar="NAME")
    options = parser.parse_args(argv)
    table = Table(title=f"Plain TensorFlow's time over ours: median of {options.pairs} (range)")
    columns = ["", "weights apart", "ours, ms", "plain, Keras's Adam", "plain, our Adam"]
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for name in options.case:
        apart, _ = difference(CASES[name])
        seconds, ratios = compare(CASES[name], options.pairs, options.steps)
        cells = [
            f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
            for values in ratios.values()
        ]
        table.add_row(name, f"{apart:.0e}", f"{1e3 * seconds:.1f}", *cells)
        print(name, f"{apart:.0e}", f"{1e3 * seconds:.1f} ms", *cells, flush=True)
        keras.backend.clear_session()
    Console(width=110).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
