"""Settings that several recipes share, and the objects that are made from them."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from keras_gan import losses, optimizers, priors
from keras_gan.experiment.recipe import TrainingData
from keras_gan.experiment.settings import RunSettings, setting
from keras_gan.optimizers import schedules


@dataclasses.dataclass(frozen=True)
class LatentSettings(RunSettings):
    """The distribution of z."""

    prior: str = setting(
        "uniform", "distribution of z: " + ", ".join(priors.NAMES), choices=tuple(priors.NAMES)
    )
    latent_dim: int = setting(100, "dimension of z", least=1)

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
        # The schedules of each network count its own updates.
        updates = data.steps_per_epoch
        return {
            "generator_optimizer": self._optimizer(self.generator_learning_rate, updates),
            "discriminator_optimizer": self._optimizer(
                self.discriminator_learning_rate, updates * self.discriminator_steps
            ),
            "loss": losses.NAMES[loss](discriminator_weight=self.discriminator_loss_weight),
            "update": self.update,
        }

    def _optimizer(self, learning_rate: float, updates_per_epoch: int) -> keras.Optimizer:
        raise NotImplementedError

    def _decay(self, learning_rate: float) -> schedules.GeometricDecay:
        return schedules.GeometricDecay(
            learning_rate, self.learning_rate_divisor, self.learning_rate_floor
        )


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

    def _optimizer(self, learning_rate: float, updates_per_epoch: int) -> keras.Optimizer:
        ramp = schedules.EpochRamp(
            self.momentum,
            self.final_momentum,
            self.momentum_ramp_start,
            self.momentum_ramp_end,
            updates_per_epoch,
        )
        return optimizers.MomentumSGD(self._decay(learning_rate), ramp)


@dataclasses.dataclass(frozen=True)
class AdamSettings(_OptimizerSettings):
    """Adam with a learning rate that may fall."""

    beta_1: float = setting(0.5, "Adam's decay of the gradients' mean", least=0, below=1)

    def _optimizer(self, learning_rate: float, updates_per_epoch: int) -> keras.Optimizer:
        return keras.optimizers.Adam(self._decay(learning_rate), beta_1=self.beta_1)


_LOSSES = ("minimax", "non_saturating", "blended", "held_back")


@dataclasses.dataclass(frozen=True)
class LossSettings:
    """The objective, where the recipe leaves it open."""

    loss: str = setting("non_saturating", "objective of G: " + ", ".join(_LOSSES), choices=_LOSSES)
