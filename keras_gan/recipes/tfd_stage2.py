"""Toronto Face Database, second stage: new lower layers under the generator of the first.

    keras-gan train --recipe tfd_stage2 --stage1 runs/tfd-...

8000 rectifiers and 100 sigmoids (bias -2) feed the 100 inputs of the first stage's generator. As
in the released files, the layers of the first stage are trained further; the discriminator,
momentum and learning rate are new.
"""

import dataclasses

import numpy as np

from keras_gan import networks
from keras_gan.core.errors import InputError
from keras_gan.experiment import TrainingData, setting
from keras_gan.recipes import tfd
from keras_gan.recipes.settings import Built, first_stage, model


@dataclasses.dataclass(frozen=True)
class Settings(tfd.Settings):
    """The released code's settings."""

    stage1: str = setting(
        "", "run directory of recipe tfd, whose generator is built on", path="folder"
    )
    epochs: int = 22


def build(settings: Settings, data: TrainingData) -> Built:
    """G's upper part starts where the first stage ended; D is new."""
    if not settings.stage1:
        raise InputError("recipe 'tfd_stage2' needs --stage1, the run directory of recipe 'tfd'")
    upper = first_stage(settings).generator("last")
    if upper.output_shape[1:] != data.shape:
        raise InputError(
            f"--stage1 {settings.stage1} generates {upper.output_shape[1:]}, "
            f"the data are {data.shape}"
        )
    lower = networks.mlp_generator(
        settings.latent_dim,
        upper.input_shape[1:],
        hidden=[(8000, "relu")],
        output_activation="sigmoid",
        max_norm=networks.MAX_NORM,
        seed=settings.seed + 2,
        name="lower",
    )
    lower.get_layer("output").bias.assign(np.full(upper.input_shape[1:], -2.0, np.float32))
    generator = networks.stack_generators(lower, upper)
    discriminator = tfd.make_discriminator(settings, data)
    return model(settings, data, generator, discriminator)
