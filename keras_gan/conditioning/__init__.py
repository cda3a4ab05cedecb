"""What the networks may see besides latents and examples: `p(x | c)` (section 7 of the paper)."""

from keras_gan.conditioning.base import (
    NO_CONDITION,
    Condition,
    ConditionTensors,
    call,
    condition_inputs,
)
from keras_gan.conditioning.classes import Classes, check_classes
from keras_gan.conditioning.inpainting import Inpainting
from keras_gan.conditioning.masks import MASKS, half_known, masks
from keras_gan.conditioning.vectors import Vectors

__all__ = [
    "Classes",
    "Condition",
    "ConditionTensors",
    "Inpainting",
    "MASKS",
    "NO_CONDITION",
    "Vectors",
    "call",
    "check_classes",
    "condition_inputs",
    "half_known",
    "masks",
]
