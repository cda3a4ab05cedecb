"""`Recipe`: every setting that decides what a run learns, and the objects made from it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_gan import losses, optimizers, priors
from keras_gan.conditioning import Condition
from keras_gan.core.errors import InputError
from keras_gan.data import DataSet, load
from keras_gan.experiment.run import import_file
from keras_gan.optimizers import schedules
from keras_gan.training import steps
from keras_gan.training.auxiliary import AuxiliaryNetwork
from keras_gan.training.gan import GAN

Networks = Callable[["Recipe", np.ndarray, int], tuple[keras.Model, keras.Model]]
AuxiliaryNetworks = Callable[["Recipe", tuple[int, ...], int], Sequence[AuxiliaryNetwork]]


def _setting(default, text: str):
    """A field that becomes a flag of the train command, with its help."""
    return dataclasses.field(default=default, metadata={"help": text})


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Frozen settings of a run. Every field with a help text is a flag of the train command.

    `networks(recipe, examples, seed)` returns (generator, discriminator); `examples` are the
    training data on the networks' scale, float32 `[n, ...]`. `source()` returns the data, for a
    recipe that makes its own. `condition` is what the networks see besides. `auxiliary networks(recipe,
    shape, seed)` returns the networks that learn beside the networks; `shape` is an example's.
    """

    name: str
    networks: Networks
    source: Callable[[], DataSet] | None = None
    condition: Condition | None = None
    auxiliary_networks: AuxiliaryNetworks | None = None
    dataset: str = _setting(
        "digits", "data set: a name of tensorflow-datasets, 'digits', or a path"
    )
    preprocessing: str = _setting(
        "unit_range", "scale of the data: unit_range, global_contrast, identity"
    )
    prior: str = _setting("uniform", "distribution of z: " + ", ".join(priors.NAMES))
    latent_dim: int = _setting(100, "dimension of z")
    loss: str = _setting("non_saturating", "objective of G: " + ", ".join(losses.NAMES))
    discriminator_loss_weight: float = _setting(0.5, "factor of D's loss")
    update: str = _setting("simultaneous", "update rule: " + ", ".join(steps.RULES))
    discriminator_steps: int = _setting(1, "k: updates of D for each of G")
    batch_size: int = _setting(100, "m: examples of a minibatch")
    optimizer: str = _setting("momentum", "momentum (with the ramp and the decay below) or adam")
    generator_learning_rate: float = _setting(0.1, "learning rate of G's first update")
    discriminator_learning_rate: float = _setting(0.1, "learning rate of D's first update")
    learning_rate_divisor: float = _setting(
        1.000004, "what divides a learning rate after each update"
    )
    learning_rate_floor: float = _setting(1e-6, "smallest learning rate")
    momentum: float = _setting(0.5, "momentum of the first epochs (adam: beta_1)")
    final_momentum: float = _setting(0.7, "momentum from the end of the ramp on")
    momentum_ramp_start: int = _setting(1, "epoch from which the momentum rises")
    momentum_ramp_end: int = _setting(250, "epoch at which it is complete")
    ema: float = _setting(0.0, "factor of the moving average of G's weights; 0 keeps none")
    epochs: int = _setting(100, "passes over the training data")
    likelihood_every: int = _setting(
        1, "epochs between Parzen estimates on validation data; 0: never"
    )
    likelihood_samples: int = _setting(1000, "samples of such an estimate")
    labels: int = _setting(
        0, "labelled training examples of a semi-supervised run, evenly over the classes; 0: all"
    )
    labelled_share: float = _setting(0.2, "labelled rows of a semi-supervised run's minibatches")
    auxiliary_learning_rate: float = _setting(
        1e-3, "learning rate of networks that learn beside the networks (Adam)"
    )
    stage1: str = _setting(
        "", "run directory that is built upon (tfd_stage2: its generator; inference: its networks)"
    )

    def __post_init__(self):
        """Checks what the objects made from the settings would not."""
        self._choose("prior", priors.NAMES)
        self._choose("loss", losses.NAMES)
        self._choose("update", steps.RULES)
        self._choose("optimizer", ("momentum", "adam"))
        self._choose("preprocessing", ("unit_range", "global_contrast", "identity"))
        for name, least in (
            ("latent_dim", 1),
            ("discriminator_steps", 1),
            ("batch_size", 1),
            ("epochs", 0),
            ("likelihood_every", 0),
            ("likelihood_samples", 1),
            ("labels", 0),
        ):
            if getattr(self, name) < least:
                raise InputError(
                    f"{_flag(name)} must be at least {least}. Received: {getattr(self, name)}"
                )
        for name in (
            "generator_learning_rate",
            "discriminator_learning_rate",
            "auxiliary_learning_rate",
            "discriminator_loss_weight",
        ):
            if not getattr(self, name) > 0:
                raise InputError(f"{_flag(name)} must be positive. Received: {getattr(self, name)}")
        for name in ("momentum", "final_momentum", "averaging"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"{_flag(name)} must be in [0, 1). Received: {getattr(self, name)}"
                )
        if not 0 < self.labelled_share < 1:
            raise InputError(f"--labelled-share must be in (0, 1). Received: {self.labelled_share}")
        if self.labels and not self.make_loss().uses_labels:
            raise InputError(
                f"--labels is for a loss that sees labels, which {self.loss} does not; use "
                "--recipe digits_semi_supervised or mnist_semi_supervised"
            )
        if self.discriminator_steps > 255:
            raise InputError(
                f"--discriminator-steps must be at most 255. Received: {self.discriminator_steps}"
            )

    def _choose(self, name: str, choices) -> None:
        if getattr(self, name) not in choices:
            raise InputError(
                f"unknown {name} {getattr(self, name)!r} for {_flag(name)}; "
                f"choose from {', '.join(choices)}"
            )

    def settings(self) -> dict:
        """The fields that are flags, by name."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if "help" in field.metadata
        }

    def load_data(
        self, data_dir: str | None = None, download: bool = False, fold: int | None = None
    ) -> DataSet:
        """The data: from `source`, or by the name or path in `dataset`."""
        if self.source is not None:
            return self.source()
        return load(self.dataset, data_dir=data_dir, download=download, fold=fold)

    def make_prior(self) -> priors.Prior:
        """The prior of z."""
        return priors.NAMES[self.prior](self.latent_dim)

    def make_loss(self) -> losses.Loss:
        """The loss of both networks."""
        return losses.NAMES[self.loss](discriminator_weight=self.discriminator_loss_weight)

    def make_auxiliary_networks(self, shape: tuple[int, ...], seed: int) -> list[AuxiliaryNetwork]:
        """The networks that learn beside the networks."""
        return list(self.auxiliary_networks(self, shape, seed)) if self.auxiliary_networks else []

    def compile(self, gan: GAN, examples: int, **changes: Any) -> None:
        """Compiles a GAN with the recipe's optimizers, loss and update rule.

        Args:
            gan: The model, of the recipe's networks.
            examples: Number of training examples, which fixes the updates of an epoch.
            **changes: Arguments of `GAN.compile` to add, or to take instead of the recipe's.
        """
        steps = max(1, examples // (self.batch_size * self.discriminator_steps))
        settings = {
            # The schedules of each network count its own updates.
            "generator_optimizer": self._make_optimizer(self.generator_learning_rate, steps),
            "discriminator_optimizer": self._make_optimizer(
                self.discriminator_learning_rate, steps * self.discriminator_steps
            ),
            "loss": self.make_loss(),
            "discriminator_steps": self.discriminator_steps,
            "update": self.update,
            "auxiliary_optimizers": [
                keras.optimizers.Adam(self.auxiliary_learning_rate) for _ in gan.auxiliary_networks
            ],
        }
        gan.compile(**{**settings, **changes})

    def _make_optimizer(self, rate: float, updates_per_epoch: int) -> keras.Optimizer:
        decay = schedules.GeometricDecay(rate, self.learning_rate_divisor, self.learning_rate_floor)
        if self.optimizer == "adam":
            return keras.optimizers.Adam(decay, beta_1=self.momentum)
        ramp = schedules.EpochRamp(
            self.momentum,
            self.final_momentum,
            self.momentum_ramp_start,
            self.momentum_ramp_end,
            updates_per_epoch,
        )
        return optimizers.MomentumSGD(decay, ramp)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def from_file(path: str | os.PathLike) -> Recipe:
    """The recipe of a user's own Python file: the object it calls `RECIPE`.

    Raises:
        InputError: There is no such file, it cannot be run, or it has no `RECIPE`.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no recipe file {path}")
    recipe = getattr(import_file(path), "RECIPE", None)
    if not isinstance(recipe, Recipe):
        raise InputError(f"{path} must define RECIPE = keras_gan.recipes.Recipe(...)")
    return recipe
