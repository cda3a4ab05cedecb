"""The objectives of equation (1), per example, on logits.

`D(x) = sigmoid(logit)`, so every term is a softplus and stays finite, with finite gradients, for
any finite logit:

    -log D(x)       = softplus(-logit)
    -log(1 - D(x))  = softplus(logit)

The functions are the mathematics. The classes say what each network descends;
`GAN.compile(loss=...)` takes one of them, its name, or any object with the two methods of `Loss`.
A loss that is no sum over examples takes its means with `global_mean`.
"""

from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.replicas import global_mean
from keras_gan.losses.adversarial import (
    Blended,
    HeldBack,
    Minimax,
    NonSaturating,
    discriminator,
    minimax_generator,
    non_saturating_generator,
)
from keras_gan.losses.base import Loss, NoRealOutput, check_shape
from keras_gan.losses.feature_matching import FeatureMatching, SemiSupervised
from keras_gan.losses.inpainting import InpaintingLoss
from keras_gan.losses.names import NAMES, get

__all__ = [
    "Blended",
    "InpaintingLoss",
    "FeatureMatching",
    "HeldBack",
    "DiscriminatorOutput",
    "Loss",
    "Minimax",
    "NoRealOutput",
    "NAMES",
    "NonSaturating",
    "SemiSupervised",
    "check_shape",
    "discriminator",
    "get",
    "global_mean",
    "minimax_generator",
    "non_saturating_generator",
]
