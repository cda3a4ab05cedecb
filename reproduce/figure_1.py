"""`python -m reproduce.figure_1`: Figure 1 of the paper as an experiment.

The data are one Gaussian, as in the paper. Both networks are smooth and the prior is normal, so
that `p_g` and with it D* have no corners and no edges: a uniform prior would end `p_g` where the
data do not end.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_gan.cli import start_tensorflow  # noqa: F401

# isort: split
import keras
import numpy as np
from rich.progress import Progress
from scipy import stats

from keras_gan import losses, networks, plotting, priors
from keras_gan.cli import parsing
from keras_gan.core.files import write_atomically
from keras_gan.core.versions import versions
from keras_gan.evaluation import theory
from keras_gan.evaluation.gaussians import GaussianMixture
from keras_gan.optimizers import schedules
from keras_gan.training.gan import GAN
from reproduce import densities, divergence

_DESCRIPTION = """Train on one-dimensional data and draw Figure 1 with learned networks:

  figure_1.png    the four panels: p_data, the learned p_g and D, D* of equation (2), z -> x
  figure_1.gif    the same along training
  figure_1.json   how far D is from D*, D from 1/2 and p_g from p_data, with the protocol; the
                  first two at each frame of the animation as well

examples:
  python -m reproduce.figure_1 --output pictures"""

MIXTURE = GaussianMixture([1.0], sd=0.6)
_LAW = stats.norm(1.0, 0.6)  # the same
_INTERVAL, _BINS = (-1.5, 3.5), 100
_SAMPLES = 1_000_000
_MASS = 0.99
_ARROWS = 25


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the networks learn: with Adam and one update after the other, k = 1."""

    latent_dim: int = 1
    batch_size: int = 500
    generator_learning_rate: float = 5e-4
    discriminator_learning_rate: float = 5e-3
    learning_rate_divisor: float = 1.001
    learning_rate_floor: float = 1e-6
    momentum: float = 0.5
    discriminator_loss_weight: float = 0.5


SETTINGS = Settings()


@dataclasses.dataclass(frozen=True)
class Phase:
    """A part of the training.

    Attributes:
        title: Title of the panel that shows its end.
        learns: "both", "D" or "G".
        steps: Its length.
        frame: Steps between two frames of the animation.
    """

    title: str
    learns: str
    steps: int
    frame: int


PHASES = (
    Phase("(a) near convergence", "both", 250, 25),
    Phase("(b) D trained to $D^*$, G fixed", "D", 4000, 400),
    Phase("(c) after updates of G, D fixed", "G", 2, 1),
    Phase("(d) converged", "both", 5000, 250),
)


def make_networks(seed: int) -> tuple[keras.Model, keras.Model]:
    """Generator and discriminator: 1,153 and 4,353 parameters."""
    settings: dict[str, Any] = {"output_activation": "linear", "irange": 0.3}
    generator, discriminator = (
        networks.mlp_generator(
            inputs, (1,), hidden=[hidden] * 2, seed=network_seed, name=name, **settings
        )
        for name, inputs, hidden, network_seed in (
            ("generator", SETTINGS.latent_dim, (32, "softplus"), seed),
            ("discriminator", 1, (64, "tanh"), seed + 1),
        )
    )
    return generator, discriminator


class Experiment:
    """The networks, phase by phase, on examples that are never used twice.

    `p_g` is a histogram of `G`'s samples; `p_data` is exact, as its mean over each bin.

    Args:
        seed: Seed of the weights, the noise and the data.
    """

    def __init__(self, seed: int = 0):
        self._seed = seed
        edges = np.linspace(*_INTERVAL, _BINS + 1)
        self._edges, self._width = edges, edges[1] - edges[0]
        self._x = (edges[1:] + edges[:-1]) / 2
        self._p_data = np.diff(_LAW.cdf(edges)) / self._width
        self._real = MIXTURE.sample(_SAMPLES, seed=2**32 + seed)
        self.gan = GAN(*make_networks(seed), priors.Normal(SETTINGS.latent_dim), seed=seed)
        # Neighbors have equal shares of the prior between them.
        latents = self.gan.prior.sample(_SAMPLES, seed).numpy()
        self._z = np.quantile(latents, (np.arange(_ARROWS) + 0.5) / _ARROWS)

    def train(self, phase: Phase, on_frame: Callable[[], Any] = lambda: None) -> None:
        """Lets the phase's networks learn, with new optimizers.

        Args:
            phase: Which networks learn and how long.
            on_frame: Called each time that a frame is due.
        """
        self.gan.compile(
            _optimizer(SETTINGS.generator_learning_rate if phase.learns != "D" else 0.0),
            _optimizer(SETTINGS.discriminator_learning_rate if phase.learns != "G" else 0.0),
            loss=losses.NonSaturating(discriminator_weight=SETTINGS.discriminator_loss_weight),
            update="alternating",
            steps_per_execution=phase.frame,
        )
        n = SETTINGS.batch_size * phase.steps
        examples = MIXTURE.sample(n, seed=(self._seed << 32) + int(self.gan.step.numpy()))
        frame = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: on_frame())
        self.gan.fit(examples, batch_size=SETTINGS.batch_size, callbacks=[frame], verbose=0)

    def panel(self, title: str) -> densities.Panel:
        """The networks as they are now."""
        p_g = np.histogram(self._samples(), self._edges)[0] / (_SAMPLES * self._width)
        logits = self.gan.discriminator(self._x[:, None].astype(np.float32))
        return densities.Panel(
            title,
            x=self._x,
            p_data=self._p_data,
            p_g=p_g,
            discriminator=keras.ops.convert_to_numpy(keras.ops.sigmoid(logits))[:, 0],
            optimal=theory.optimal_discriminator(self._p_data, p_g),
            z=self._z,
            generated=self.gan.generator(self._z[:, None].astype(np.float32)).numpy()[:, 0],
        )

    def distances(self, panel: densities.Panel) -> dict[str, Any]:
        """Largest distances over the central 99 % of the data, of the present panel.

        Returns:
            The step; `discriminator_error`, of D to D*, and `optimal_standard_error`, the largest
            standard error that a finite number of samples leaves D*; `from_half`, of D to 1/2;
            `optimal_from_half`, of D* to 1/2.
        """
        low, high = _LAW.interval(_MASS)
        inside = (self._edges[1:] > low) & (self._edges[:-1] < high)
        d, best = np.asarray(panel.discriminator)[inside], np.asarray(panel.optimal)[inside]
        count = np.asarray(panel.p_g)[inside] * self._width * _SAMPLES
        error = best * (1 - best) / np.sqrt(np.maximum(count, 1))
        return {
            "step": int(self.gan.step.numpy()),
            "discriminator_error": float(np.abs(d - best).max()),
            "optimal_standard_error": float(error.max()),
            "from_half": float(np.abs(d - 0.5).max()),
            "optimal_from_half": float(np.abs(best - 0.5).max()),
        }

    def jensen_shannon(self) -> dict[str, Any]:
        """The divergence of `p_g` and `p_data` now, in nats, from samples of both."""
        sampled = divergence.sampled_jensen_shannon(
            self._real, self._samples(), bins=_BINS, interval=_INTERVAL
        )
        return dataclasses.asdict(sampled)

    def protocol(self) -> dict[str, Any]:
        """What the numbers rest on."""
        return {
            "seed": self._seed,
            "data": {
                "means": MIXTURE.means[:, 0].tolist(),
                "sd": MIXTURE.sd.tolist(),
                "weights": MIXTURE.weights.tolist(),
            },
            "settings": dataclasses.asdict(SETTINGS),
            "phases": [dataclasses.asdict(phase) for phase in PHASES],
            "p_g": {"samples": _SAMPLES, "bins": _BINS, "interval": _INTERVAL},
            "compared_over": {
                "mass": _MASS,
                "interval": [float(end) for end in _LAW.interval(_MASS)],
            },
            "versions": versions(),
        }

    def _samples(self) -> np.ndarray:
        return self.gan.generate(_SAMPLES, seed=self._seed + 1, batch_size=100_000)[:, 0]


def _optimizer(rate: float) -> keras.Optimizer:
    """Adam with the learning rate decaying, or, for a network that stays fixed, a rate of 0."""
    if not rate:
        return keras.optimizers.SGD(0.0)
    decay = schedules.GeometricDecay(
        rate, SETTINGS.learning_rate_divisor, SETTINGS.learning_rate_floor
    )
    return keras.optimizers.Adam(decay, beta_1=SETTINGS.momentum)


@parsing.command("figure_1")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    parser = parsing.Parser(prog="python -m reproduce.figure_1", description=_DESCRIPTION)
    parser.add_argument("--output", default=".", metavar="DIR", help="where the files go (.)")
    parser.add_argument("--seed", type=parsing.seed, default=0, metavar="INT", help="seed (0)")
    options = parser.parse_args(argv)
    output = Path(options.output)
    parsing.check_writable("--output", output)
    experiment = Experiment(options.seed)
    panels, frames, results, series = [], [], [], []

    def draw(phase: Phase) -> None:
        panel = experiment.panel(f"step {int(experiment.gan.step.numpy())}")
        frames.append(densities.figure_1([panel]))
        series.append({"panel": phase.title, **experiment.distances(panel)})

    with Progress() as progress:
        task = progress.add_task("Figure 1", total=sum(p.steps // p.frame for p in PHASES))

        draw(PHASES[0])
        for phase in PHASES:

            def on_frame(phase: Phase = phase) -> None:
                draw(phase)
                progress.advance(task)

            experiment.train(phase, on_frame)
            panels.append(experiment.panel(phase.title))
            numbers = experiment.distances(panels[-1])
            sampled = experiment.jensen_shannon()
            results.append({"panel": phase.title, **numbers, "jensen_shannon": sampled})
            progress.console.print(_line(results[-1]))
    plotting.save_image(densities.figure_1(panels), output / "figure_1.png")
    plotting.animate(frames, output / "figure_1.gif")
    report = {"protocol": experiment.protocol(), "panels": results, "series": series}
    write_atomically(output / "figure_1.json", parsing.as_json(report))
    for ending in ("png", "gif", "json"):
        print(output / f"figure_1.{ending}")
    return 0


def _line(result: dict[str, Any]) -> str:
    return (
        f"{result['panel']:32s} step {result['step']:4d}   |D - D*| "
        f"{result['discriminator_error']:.3f}   |D - 1/2| {result['from_half']:.3f}   "
        f"JSD {result['jensen_shannon']['value']:.4f}"
    )


if __name__ == "__main__":
    sys.exit(main())
