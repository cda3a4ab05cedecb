"""Losses by name."""

from __future__ import annotations

from keras_gan.core.errors import InputError
from keras_gan.losses.adversarial import Blended, HeldBack, Minimax, NonSaturating
from keras_gan.losses.base import Loss
from keras_gan.losses.feature_matching import FeatureMatching, SemiSupervised
from keras_gan.losses.inpainting import InpaintingLoss

NAMES = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "blended": Blended,
    "held_back": HeldBack,
    "feature_matching": FeatureMatching,
    "semi_supervised": SemiSupervised,
    "inpainting": InpaintingLoss,
}


def get(loss: str | Loss) -> Loss:
    """Returns the loss of that name, or the object itself if it has the two methods of `Loss`."""
    if isinstance(loss, str):
        if loss not in NAMES:
            raise InputError(f"unknown loss {loss!r}; choose from {', '.join(NAMES)}")
        return NAMES[loss]()
    methods = [getattr(loss, name, None) for name in ("discriminator", "generator")]
    if isinstance(loss, type) or not all(map(callable, methods)):
        raise InputError(
            "`loss` must be a name or an object with methods `discriminator(real, fake)` and "
            f"`generator(real, fake)`. Received: {loss!r}"
        )
    return loss
