"""Losses of both networks, one number for each example, on float32 logits.

The functions are the formulas. The classes say what each network minimizes; `GAN.compile(loss=...)`
takes one of them, its name, or a `Loss` of your own. A loss that is not a sum over examples takes
its means with `global_mean`, or compares all rows of the minibatch, which `global_rows` gives.
"""

import re
from typing import Any

import keras

from keras_gan.core.arguments import defines
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.core.replicas import global_mean, global_rows
from keras_gan.losses import (
    adversarial,
    auxiliary,
    critics,
    feature_matching,
    inpainting,
    relativistic,
)
from keras_gan.losses.adversarial import *
from keras_gan.losses.auxiliary import *
from keras_gan.losses.base import Loss, NoRealOutput, check_shape
from keras_gan.losses.critics import *
from keras_gan.losses.feature_matching import *
from keras_gan.losses.inpainting import *
from keras_gan.losses.relativistic import *

_PUBLIC = [
    name
    for module in (
        adversarial,
        critics,
        relativistic,
        auxiliary,
        feature_matching,
        inpainting,
    )
    for name in module.__all__
]

# Losses by name: `FeatureMatching` is "feature_matching", `InpaintingLoss` is "inpainting".
NAMES: dict[str, Any] = {
    re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Loss")).lower(): globals()[name]
    for name in _PUBLIC
    if isinstance(globals()[name], type)
}

# Names of these losses in other programs.
_OTHER_NAMES = {
    **dict.fromkeys(("vanilla", "logistic", "bce", "binary_crossentropy"), "non_saturating"),
    **dict.fromkeys(("least_square", "lsgan", "mse"), "least_squares"),
    "wgan": "wasserstein",
    "rpgan": "relativistic",
}

__all__ = [
    "NAMES",
    "DiscriminatorOutput",
    "Loss",
    "NoRealOutput",
    "check_shape",
    "get",
    "global_mean",
    "global_rows",
    *_PUBLIC,
]


def get(loss: str | Loss) -> Loss:
    """Returns the loss of that name, or the loss itself."""
    if isinstance(loss, str):
        if loss not in NAMES:
            known = _OTHER_NAMES.get(loss.lower())
            advice = f"here it is {known!r}" if known else f"choose from {', '.join(NAMES)}"
            raise InputError(f"unknown loss {loss!r}; {advice}")
        return NAMES[loss]()
    if isinstance(loss, keras.losses.BinaryCrossentropy):
        raise InputError(
            "`loss` is that of both networks, not of one output: for the cross-entropy write "
            "loss='non_saturating', and let D return logits"
        )
    if not isinstance(loss, Loss):
        raise InputError(
            "`loss` must be a name or an object with methods `discriminator(real, fake)` and "
            f"`generator(real, fake)`, of a subclass of keras_gan.losses.Loss. Received: {loss!r}"
        )
    defines(loss, Loss, "discriminator")
    defines(loss, Loss, "generator")
    return loss
