"""Settings that several recipes share, and the model that they make of two networks."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from keras_gan import losses, networks, optimizers, priors, regularizers
from keras_gan.core.errors import InputError
from keras_gan.core.settings import setting
from keras_gan.experiment.recipe import TrainingData
from keras_gan.experiment.run import Run
from keras_gan.experiment.settings import RunSettings, Settings
from keras_gan.optimizers.schedules import Cosine, EpochRamp, GeometricDecay
from keras_gan.training.ema import EMA
from keras_gan.training.gan import GAN

Networks = tuple[keras.Model, keras.Model]  # G and D
Built = tuple[GAN, dict[str, Any]]  # a model and the arguments of its `compile`


@dataclasses.dataclass(frozen=True)
class LatentSettings(RunSettings):
    """The distribution of z."""

    prior: str = setting(
        "uniform", "distribution of z: " + ", ".join(priors.NAMES), choices=priors.NAMES
    )
    latent_dim: int = setting(100, "dimension of z", least=1, most=2**16)

    def make_prior(self) -> priors.Prior:
        """The prior of z."""
        return priors.NAMES[self.prior](self.latent_dim)


@dataclasses.dataclass(frozen=True)
class _OptimizerSettings(RunSettings):
    update: str = setting(
        "alternating",
        "update rule: alternating (Algorithm 1) or simultaneous (the paper's released code)",
        choices=("alternating", "simultaneous"),
    )
    discriminator_loss_weight: float = setting(1.0, "factor of D's loss", above=0)
    generator_learning_rate: float = setting(1e-3, "learning rate of G's first update", above=0)
    discriminator_learning_rate: float = setting(1e-3, "learning rate of D's first update", above=0)
    learning_rate_divisor: float = setting(
        1.0, "what divides a learning rate after each update", least=1
    )
    learning_rate_floor: float = setting(1e-6, "smallest learning rate", least=0)

    def compile_arguments(self, data: TrainingData, loss: str) -> dict[str, Any]:
        """The loss of that name, the update rule and the optimizers, as `GAN.compile` has them."""
        divisor, floor = self.learning_rate_divisor, self.learning_rate_floor
        g_decay = GeometricDecay(self.generator_learning_rate, divisor, floor)
        d_decay = GeometricDecay(self.discriminator_learning_rate, divisor, floor)
        # The schedules of each network count its own updates.
        steps, k = data.steps_per_epoch, self.discriminator_steps
        return {
            "generator_optimizer": self._optimizer(g_decay, steps),
            "discriminator_optimizer": self._optimizer(d_decay, steps * k),
            "loss": losses.NAMES[loss](discriminator_weight=self.discriminator_loss_weight),
            "update": self.update,
        }

    def _optimizer(self, decay: GeometricDecay, updates_per_epoch: int) -> keras.Optimizer:
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class MomentumSettings(_OptimizerSettings):
    """The released code's optimizer: momentum that rises, a learning rate that falls."""

    update: str = "simultaneous"
    discriminator_loss_weight: float = 0.5
    generator_learning_rate: float = 0.1
    discriminator_learning_rate: float = 0.1
    learning_rate_divisor: float = 1.000004
    momentum: float = setting(0.5, "momentum of the first epochs", least=0, below=1)
    final_momentum: float = setting(0.7, "momentum from the end of its rise on", least=0, below=1)
    momentum_ramp_start: int = setting(1, "epoch from which the momentum rises", least=0)
    momentum_ramp_end: int = setting(250, "epoch at which its rise ends", least=1)

    def _optimizer(self, decay: GeometricDecay, updates_per_epoch: int) -> keras.Optimizer:
        epochs = self.momentum_ramp_start, self.momentum_ramp_end
        ramp = EpochRamp(self.momentum, self.final_momentum, *epochs, updates_per_epoch)
        return optimizers.MomentumSGD(decay, ramp)


@dataclasses.dataclass(frozen=True)
class AdamSettings(_OptimizerSettings):
    """Adam with a learning rate that may fall."""

    beta_1: float = setting(0.5, "Adam's decay of the gradients' mean", least=0, below=1)

    def _optimizer(self, decay: GeometricDecay, updates_per_epoch: int) -> keras.Optimizer:
        return keras.optimizers.Adam(decay, beta_1=self.beta_1)


_LOSSES = ("minimax", "non_saturating", "blended", "held_back")


@dataclasses.dataclass(frozen=True)
class LossSettings:
    """The objective, where the recipe leaves it open."""

    loss: str = setting("non_saturating", "objective of G: " + ", ".join(_LOSSES), choices=_LOSSES)


@dataclasses.dataclass(frozen=True)
class PaperSettings(LossSettings, MomentumSettings, LatentSettings, Settings):
    """The released code's settings, on a data set."""


@dataclasses.dataclass(frozen=True)
class TunedSettings(LossSettings, AdamSettings, LatentSettings, Settings):
    """Adam with a constant learning rate, on a data set."""


@dataclasses.dataclass(frozen=True)
class R3GANSettings(LatentSettings):
    """R3GAN's objective: relativistic pairs with R1 and R2, values that change in a burn-in.

    Huang et al. 2024, arXiv:2501.05441. All lengths are in images seen.
    """

    prior: str = "normal"
    latent_dim: int = 64
    loss: str = setting(
        "relativistic",
        "objective: relativistic, or non_saturating for comparison",
        choices=("relativistic", "non_saturating"),
    )
    width: int = setting(
        32, "what the networks' channels or units are multiples of", least=1, most=2**10
    )
    generator_learning_rate: float = setting(2e-4, "learning rate of G's first update", above=0)
    discriminator_learning_rate: float = setting(2e-4, "learning rate of D's first update", above=0)
    learning_rate_factor: float = setting(
        1.0, "final learning rates, as a fraction of the initial ones", above=0, most=1
    )
    learning_rate_decay: int = setting(
        0, "images over which the learning rates fall; 0: the burn-in", least=0
    )
    beta_2: float = setting(
        0.9, "Adam's decay of the gradients' square, at first", least=0, below=1
    )
    final_beta_2: float = setting(0.99, "the same after the burn-in", least=0, below=1)
    gamma: float = setting(1.0, "weight of R1 and R2, at first; 0 for none", least=0)
    final_gamma: float = setting(0.1, "the same after the burn-in", least=0)
    penalty_every: int = setting(
        1, "R1 and R2 are computed in one of so many updates of D", least=1, most=10**6
    )
    burn_in: int = setting(
        100_000,
        "images in which beta-2, gamma and the EMA's half-life move to their final values",
        least=1,
    )
    ema_momentum: float = setting(
        0.0,
        "momentum of the moving average (EMA) of G's weights, in place of --ema-half-life; "
        "0: the half-life",
        least=0,
        below=1,
    )
    ema_half_life: int = setting(
        20_000, "images after which old weights count half in the moving average", least=1
    )

    @property
    def ema(self) -> float | EMA | None:
        """A half-life that grows during the burn-in, unless a momentum is given.

        With `init` it does not grow: the average starts from trained weights, which are to stay.
        """
        if self.ema_momentum:
            return self.ema_momentum
        growing = Cosine(0.0, self.ema_half_life, self.burn_in)
        return EMA(half_life=self.ema_half_life if self.init else growing)

    def compile_arguments(self, data: TrainingData, loss: str) -> dict[str, Any]:
        """The objective and the optimizers, as `GAN.compile` has them."""

        def optimizer(rate: float) -> keras.Optimizer:
            decay = self.learning_rate_decay or self.burn_in
            return optimizers.Adam(
                Cosine(rate, rate * self.learning_rate_factor, decay),
                beta_2=Cosine(self.beta_2, self.final_beta_2, self.burn_in),
            )

        penalties: list[regularizers.Regularizer] = []
        if self.gamma:
            gamma = Cosine(self.gamma, self.final_gamma, self.burn_in)
            penalties = [
                kind(gamma, self.penalty_every) for kind in (regularizers.R1, regularizers.R2)
            ]
        return {
            "generator_optimizer": optimizer(self.generator_learning_rate),
            "discriminator_optimizer": optimizer(self.discriminator_learning_rate),
            "loss": loss,
            "regularizers": penalties,
        }


def output_activation(settings: Any) -> str:
    """The activation of G's output that fits the scale of the data."""
    bounded = {"unit_range": "sigmoid", "symmetric_range": "tanh"}
    return bounded.get(settings.preprocessing, "linear")


def start_at_mean(generator: keras.Model, settings: Any, data: TrainingData) -> None:
    """Lets a generator that ends in a sigmoid start at the data's pixel means."""
    if output_activation(settings) == "sigmoid":
        networks.set_marginal_bias(generator, data.examples.mean(axis=0))


def first_stage(settings: Any) -> Run:
    """The finished run `stage1`, whose networks are used for data on the same scale.

    Raises:
        InputError: It cannot be opened, or its data were on another scale.
    """
    run = Run.open(settings.stage1)
    scale, ours = run.config.get("preprocessing", {}).get("name"), settings.preprocessing
    if scale not in (None, "identity", ours):  # points have no other, and files name none
        raise InputError(
            f"--stage1 {settings.stage1} learned from data with --preprocessing {scale}; here it "
            f"is {ours}: add --preprocessing {scale}"
        )
    return run


def model(
    settings: Any,
    data: TrainingData,
    generator: keras.Model,
    discriminator: keras.Model,
    loss: str | None = None,
    **arguments: Any,
) -> Built:
    """A GAN, with further arguments, and how it learns: by the settings' loss or the named one."""
    prior, seed, ema = settings.make_prior(), settings.seed, settings.ema
    gan = GAN(generator, discriminator, prior, seed=seed, ema=ema, **arguments)
    return gan, settings.compile_arguments(data, loss or settings.loss)
