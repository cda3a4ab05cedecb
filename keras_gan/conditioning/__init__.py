"""Conditions, further inputs of both networks: `p(x | c)` (section 7 of the paper)."""

from keras_gan.conditioning.base import Condition, LabelCheck, call, condition_inputs
from keras_gan.conditioning.classes import Classes, ClassRange
from keras_gan.conditioning.codes import Codes
from keras_gan.conditioning.inpainting import Inpainting
from keras_gan.conditioning.masks import MASKS, half_known, masks
from keras_gan.conditioning.vectors import Vectors, VectorShape
from keras_gan.core.batches import NO_CONDITION, ConditionTensors

__all__ = [
    "ClassRange",
    "Classes",
    "Codes",
    "Condition",
    "ConditionTensors",
    "Inpainting",
    "LabelCheck",
    "MASKS",
    "NO_CONDITION",
    "VectorShape",
    "Vectors",
    "call",
    "condition_inputs",
    "half_known",
    "masks",
]
