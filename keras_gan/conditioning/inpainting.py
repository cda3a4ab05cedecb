"""Conditions on known pixels: inpainting of any region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan.conditioning.base import Condition, ConditionTensors, as_array
from keras_gan.conditioning.masks import masks
from keras_gan.core import arguments
from keras_gan.core.errors import InputError
from keras_gan.core.randomness import Draws


@keras.saving.register_keras_serializable("keras_gan")
class Inpainting(Condition):
    """Any known pixels of an image, for inpainting: p(x_S | x_notS) for every S (section 7).

    In training each image has a mask of a kind of `MASKS`. Every second image of the minibatch is
    inpainted by two samples; the loss gets the whole image of each as "truth". Without a condition
    nothing is known: G then is a sampler.

    Args:
        shape: Shape of an image, `(h, w, c)`.
    """

    names = ("known", "mask")
    training_names = ("truth",)
    group = 2

    def __init__(self, shape: Sequence[int]):
        self.shape = arguments.image_shape("shape", shape)

    def for_real(self, examples: tf.Tensor, labels: Any, draws: Draws) -> ConditionTensors:
        """The images under masks drawn."""
        mask = masks(self.shape[0], self.shape[1], draws)
        return {"known": tf.where(mask, examples, 0.0), "mask": mask}

    def for_generated(self, examples: tf.Tensor, labels: Any, draws: Draws) -> ConditionTensors:
        """Every second of these, twice: samples 2i and 2i + 1 are inpaintings of image 2i."""
        rows = tf.range(tf.shape(examples)[0])
        tensors = {**self.for_real(examples, labels, draws), "truth": examples}
        return {name: tf.gather(tensor, rows - rows % 2) for name, tensor in tensors.items()}

    def draw(self, draws: Draws) -> ConditionTensors:
        """Images of which nothing is known."""
        rows = tf.shape(draws.bits([1]))[0]
        mask = tf.zeros([rows, *self.shape[:2], 1], tf.bool)
        return {"known": tf.zeros([rows, *self.shape]), "mask": mask}

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """A dict of images "known" and a bool "mask", true where known; one for all, or `[n, ...]`.

        Images have shape `[h, w, c]`; a mask has `[h, w]` or `[h, w, 1]`.
        """
        if not isinstance(given, Mapping) or set(given) != set(self.names):
            raise InputError("`condition` must be a dict of 'known' images and their bool 'mask'")
        images, mask = as_array(given["known"], np.float32), as_array(given["mask"])
        if mask.dtype != bool:
            raise InputError(f"a mask must be bool, true where known. Received: {mask.dtype}")
        mask_shape = (*self.shape[:2], 1)
        # Of one pixel, a mask that has its last axis ends with (1, 1), too.
        if mask.shape[-2:] == self.shape[:2] and mask.shape[-3:] != mask_shape:
            mask = mask[..., None]
        for name, array, shape in (("known", images, self.shape), ("mask", mask, mask_shape)):
            if array.shape not in (shape, (n, *shape)):
                raise InputError(
                    f"{name!r} must have shape {shape}, alone or for each of {n} samples. "
                    f"Received: {array.shape}"
                )
        mask = np.broadcast_to(mask, (n, *mask_shape))
        known = np.where(mask, images, 0)
        if not np.isfinite(known).all():
            raise InputError("'known' holds NaN or Inf where the mask says that it is known")
        return {"known": known, "mask": mask}

    def get_config(self) -> dict:
        return {"shape": list(self.shape)}
