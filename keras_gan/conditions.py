"""What the players may see besides latents and examples: `p(x | c)` (section 7 of the paper).

A condition is a dict of named tensors, one row an example. A network sees the parts that its
further inputs are named after: a functional model whose first input is the latents or the examples
and whose other inputs are called "condition", say. A network with one input sees none.

    Classes    part "condition": the class, int64 `[n]`
    Values     part "condition": real vectors or images, float32 `[n, ...]`
    Known      parts "mask": which pixels are known, bool `[n, h, w, 1]`, and "known": the images
               with 0 at the others, float32 `[n, h, w, c]`
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_gan import randomness
from keras_gan.errors import InputError

Parts = Mapping[str, tf.Tensor]
NOTHING: Parts = types.MappingProxyType({})


class Condition:
    """Base of the conditions: where they come from in training and while sampling.

    Attributes:
        names: Names of the parts.
        names_in_training: Names of what `of_samples` gives besides, for losses.
        sees_labels: True if the condition of data is made from their labels.
        group: Rows of a minibatch that belong together, and so to one replica.
    """

    names: tuple[str, ...] = ("condition",)
    names_in_training: tuple[str, ...] = ()
    sees_labels = False
    group = 1

    def of_data(self, examples: tf.Tensor, labels: Any, draws: randomness.Draws) -> Parts:
        """The condition under which D judges a minibatch of data.

        Args:
            examples: The data, float `[n, ...]`.
            labels: What came with them, `[n, ...]`, or None.
            draws: Random bits for what is not in the data.
        """
        raise NotImplementedError

    def of_samples(self, examples: tf.Tensor, labels: Any, draws: randomness.Draws) -> Parts:
        """The condition of the samples that stand against these data in training; as above."""
        return self.of_data(examples, labels, draws)

    def draw(self, draws: randomness.Draws) -> Parts:
        """The condition of samples for which the user gives none.

        Raises:
            InputError: It has no distribution of its own.
        """
        raise InputError(
            f"{self!r} has no distribution to draw from: give `condition`, one row a sample"
        )

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """A user's condition of `n` samples as parts.

        Raises:
            InputError: It has another shape, type or range.
        """
        raise NotImplementedError

    def check_labels(self, labels: Any) -> None:
        """Looks at the labels of data in memory before training.

        Raises:
            InputError: They are none that this condition is made from.
        """

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict) -> Condition:
        """Makes the condition from `get_config`'s dictionary."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


@keras.saving.register_keras_serializable("keras_gan")
class Classes(Condition):
    """One of `count` classes, from the labels of the data.

    Args:
        count: Number of classes; labels are 0 to `count - 1`.
        probabilities: How often each is drawn for samples whose class is not given, `[count]`; None
            draws all alike (balanced).
        training: Which classes samples have in training: "data", those of the minibatch that they
            stand against, so after the data's frequencies (Mirza and Osindero 2014), or "drawn",
            after `probabilities`.
    """

    sees_labels = True

    def __init__(
        self,
        count: int,
        probabilities: Sequence[float] | None = None,
        training: str = "data",
    ):
        if not isinstance(count, int) or count < 2:
            raise InputError(f"`count` of classes must be an int >= 2. Received: {count!r}")
        if training not in ("data", "drawn"):
            raise InputError(f"`training` must be 'data' or 'drawn'. Received: {training!r}")
        if probabilities is not None:
            probabilities = [float(p) for p in probabilities]
            good = len(probabilities) == count and min(probabilities) >= 0
            if not good or abs(sum(probabilities) - 1) > 1e-6:
                raise InputError(
                    f"`probabilities` must be {count} numbers >= 0 with the sum 1. "
                    f"Received: {probabilities}"
                )
        self.count = count
        self.probabilities = probabilities
        self.training = training

    def of_data(self, examples: tf.Tensor, labels: Any, draws: randomness.Draws) -> Parts:
        """Returns the labels."""
        return {"condition": tf.cast(labels, tf.int64)}

    def of_samples(self, examples: tf.Tensor, labels: Any, draws: randomness.Draws) -> Parts:
        """Returns the labels of the data, or classes drawn."""
        if self.training == "data":
            return self.of_data(examples, labels, draws)
        return self.draw(draws)

    def draw(self, draws: randomness.Draws) -> Parts:
        """Returns classes after `probabilities`."""
        shares = self.probabilities or [1 / self.count] * self.count
        bounds = np.cumsum(shares)[:-1]
        uniform = randomness.uniform(draws.bits([1]))
        below = tf.cast(uniform >= tf.constant(bounds, tf.float32), tf.int64)
        return {"condition": tf.reduce_sum(below, axis=1)}

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """A class for all, or `[n]` classes."""
        classes = np.asarray(given)
        if classes.ndim == 0:
            classes = np.full(n, classes)
        if classes.shape != (n,):
            raise InputError(
                f"`condition` must be one class, or one for each of {n} samples. "
                f"Received: shape {classes.shape}"
            )
        check_classes(classes, self.count, "`condition`")
        return {"condition": classes.astype(np.int64)}

    def check_labels(self, labels: Any) -> None:
        """Labels must be `[n]` classes."""
        labels = np.asarray(labels)
        if labels.ndim != 1:
            raise InputError(
                f"a condition on classes takes labels [n]. Received: shape {labels.shape}"
            )
        check_classes(labels, self.count, "the labels")

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "count": self.count,
            "probabilities": self.probabilities,
            "training": self.training,
        }


@keras.saving.register_keras_serializable("keras_gan")
class Values(Condition):
    """Real vectors or images that came with the data as their labels.

    Args:
        shape: Shape of one.
    """

    sees_labels = True

    def __init__(self, shape: Sequence[int]):
        self.shape = tuple(int(size) for size in shape)

    def of_data(self, examples: tf.Tensor, labels: Any, draws: randomness.Draws) -> Parts:
        """Returns the labels."""
        return {"condition": tf.cast(labels, tf.float32)}

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """One value for all, or `[n, *shape]`."""
        values = np.asarray(given, np.float32)
        if values.shape == self.shape:
            values = np.broadcast_to(values, (n, *self.shape))
        if values.shape != (n, *self.shape):
            raise InputError(
                f"`condition` must have shape {self.shape} or {(n, *self.shape)}. "
                f"Received: {values.shape}"
            )
        self._check_finite(values, "`condition`")
        return {"condition": values}

    def check_labels(self, labels: Any) -> None:
        """Labels must be finite, `[n, *shape]`."""
        labels = np.asarray(labels)
        if labels.shape[1:] != self.shape or not np.issubdtype(labels.dtype, np.floating):
            raise InputError(
                f"this condition takes float labels [n, {', '.join(map(str, self.shape))}]. "
                f"Received: {labels.dtype} of shape {labels.shape}"
            )
        self._check_finite(labels, "the labels")

    @staticmethod
    def _check_finite(values: np.ndarray, what: str) -> None:
        if not np.isfinite(values).all():
            raise InputError(f"{what} must be finite; there is NaN or Inf")

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"shape": list(self.shape)}


def check_classes(classes: np.ndarray, count: int, what: str, least: int = 0) -> None:
    """Refuses numbers that are no classes from `least` to `count - 1`.

    Args:
        classes: The numbers, `[n]`.
        count: Number of classes.
        what: What a message calls them.
        least: -1 where classes may be unknown.

    Raises:
        InputError: They are no integers, or one is out of range.
    """
    if not np.issubdtype(classes.dtype, np.integer):
        raise InputError(f"{what} must be integers, classes. Received: {classes.dtype}")
    bad = (classes < least) | (classes >= count)
    if bad.any():
        raise InputError(
            f"{what} must be classes from {least} to {count - 1}. "
            f"Received: {classes[np.argmax(bad)]} at row {np.argmax(bad)}"
        )


# How often each kind of mask comes in training; what is missing is ...
MASKS = {
    "half": 0.3,  # the upper, lower, left or right half
    "rectangle": 0.2,  # a rectangle, its corners anywhere
    "strokes": 0.15,  # three straight strokes of a brush
    "scattered": 0.15,  # single pixels, any share of them
    "everything": 0.15,
    "nothing": 0.05,
}
_STROKES = 3


@keras.saving.register_keras_serializable("keras_gan")
class Known(Condition):
    """Any part of an image, for completion: p(x_S | x_notS) for every S (section 7 of the paper).

    In training each image has a mask of a kind of `MASKS`, and samples complete every second image
    of the minibatch that they stand against, two samples each; a loss finds the whole image of each
    under "truth". Without a condition nothing is known: G then is a sampler.

    Args:
        shape: Shape of an image, `(h, w, c)`.
    """

    names = ("known", "mask")
    names_in_training = ("truth",)
    group = 2

    def __init__(self, shape: Sequence[int]):
        self.shape = tuple(int(size) for size in shape)
        if len(self.shape) != 3:
            raise InputError(f"images have a shape (h, w, c). Received: {shape}")

    @property
    def _mask_shape(self) -> tuple[int, ...]:
        return (*self.shape[:2], 1)

    def of_data(self, examples: tf.Tensor, labels: Any, draws: randomness.Draws) -> Parts:
        """Returns the images under masks drawn."""
        return self._parts(examples, masks(self.shape[0], self.shape[1], draws))

    def of_samples(self, examples: tf.Tensor, labels: Any, draws: randomness.Draws) -> Parts:
        """Returns every second of these, twice: samples 2i and 2i + 1 complete image 2i."""
        rows = tf.range(tf.shape(examples)[0])
        twice = rows - rows % 2
        parts = self.of_data(examples, labels, draws)
        parts = {name: tf.gather(part, twice) for name, part in parts.items()}
        return {**parts, "truth": tf.gather(examples, twice)}

    def draw(self, draws: randomness.Draws) -> Parts:
        """Returns images of which nothing is known."""
        rows = tf.shape(draws.bits([1]))[0]
        return self._parts(
            tf.zeros([rows, *self.shape]), tf.zeros([rows, *self._mask_shape], tf.bool)
        )

    @staticmethod
    def _parts(images, mask) -> Parts:
        return {"known": tf.where(mask, images, 0.0), "mask": mask}

    def checked(self, given: Any, n: int) -> dict[str, np.ndarray]:
        """A dict of images "known" and a bool "mask", true where known; one for all, or `[n, ...]`.

        Images have shape `[h, w, c]`; a mask has `[h, w]`, or a last axis of 1 besides.
        """
        if not isinstance(given, Mapping) or set(given) != set(self.names):
            raise InputError("`condition` must be a dict of 'known' images and their bool 'mask'")
        images, mask = np.asarray(given["known"]), np.asarray(given["mask"])
        if mask.dtype != bool:
            raise InputError(f"a mask must be bool, true where known. Received: {mask.dtype}")
        if mask.shape[-2:] == self.shape[:2]:
            mask = mask[..., None]
        for name, array, shape in (("known", images, self.shape), ("mask", mask, self._mask_shape)):
            if array.shape not in (shape, (n, *shape)):
                raise InputError(
                    f"{name!r} must have shape {shape}, alone or for each of {n} samples. "
                    f"Received: {array.shape}"
                )
        images = np.broadcast_to(images, (n, *self.shape)).astype(np.float32)
        mask = np.broadcast_to(mask, (n, *self._mask_shape))
        if not np.isfinite(images[np.broadcast_to(mask, images.shape)]).all():
            raise InputError("'known' holds NaN or Inf where the mask says that it is known")
        return {"known": np.where(mask, images, np.float32(0)), "mask": mask}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"shape": list(self.shape)}


def half_known(height: int, width: int, axis: int) -> np.ndarray:
    """The mask whose upper (axis 0) or left half (axis 1) is known, bool `[height, width, 1]`."""
    places = np.indices((height, width))[axis]
    return (places < (height, width)[axis] // 2)[..., None]


def masks(height: int, width: int, draws: randomness.Draws) -> tf.Tensor:
    """Masks of the kinds of `MASKS`, bool `[n, height, width, 1]`, true where known."""
    u = randomness.uniform(draws.bits([8 + 4 * _STROKES]))
    kind = tf.reduce_sum(
        tf.cast(
            u[:, :1] >= tf.constant(np.cumsum(list(MASKS.values()))[:-1], tf.float32), tf.int32
        ),
        axis=1,
    )
    # Centers of the pixels, in units of the image's sides.
    y = ((tf.range(height, dtype=tf.float32) + 0.5) / height)[None, :, None]
    x = ((tf.range(width, dtype=tf.float32) + 0.5) / width)[None, None, :]

    def of(column: int) -> tf.Tensor:
        return u[:, column, None, None]

    def between(value, one, other):
        return (value > tf.minimum(one, other)) & (value < tf.maximum(one, other))

    along = tf.where(of(1) < 0.5, y, x)  # [n, h, w]: the way across the halves
    half = (along < 0.5) == (of(2) < 0.5)
    rectangle = between(y, of(1), of(2)) & between(x, of(3), of(4))
    strokes = tf.zeros_like(half)
    for stroke in range(_STROKES):
        a, b, c, d = (of(8 + 4 * stroke + corner) for corner in range(4))
        strokes |= _distance_to_line(y, x, a, b, c, d) < 0.04 + 0.06 * of(5)
    scattered = randomness.uniform(draws.bits([height, width])) < of(6)
    everything = tf.ones_like(half)
    found = {
        "half": half,
        "rectangle": rectangle,
        "strokes": strokes,
        "scattered": scattered,
        "everything": everything,
        "nothing": ~everything,
    }
    missing = tf.zeros_like(half)
    for number, name in enumerate(MASKS):
        missing |= (kind == number)[:, None, None] & found[name]
    return ~missing[..., None]


def _distance_to_line(y, x, y0, x0, y1, x1):
    """Distance of points to the straight line between two points."""
    dy, dx = y1 - y0, x1 - x0
    part = ((y - y0) * dy + (x - x0) * dx) / (dy**2 + dx**2 + 1e-12)
    part = tf.clip_by_value(part, 0.0, 1.0)
    return tf.sqrt((y - y0 - part * dy) ** 2 + (x - x0 - part * dx) ** 2)


def seen_by(network: keras.Model) -> dict[str, keras.KerasTensor]:
    """A network's inputs after the first by name: the parts of a condition that it sees."""
    inputs = getattr(network, "inputs", None) or ()
    return {tensor.name: tensor for tensor in inputs[1:]}


def call(network: keras.Model, first: tf.Tensor, parts: Parts, training: bool = False) -> tf.Tensor:
    """The network's output for latents or examples under a condition.

    Args:
        network: The network.
        first: Its first input, `[n, ...]`.
        parts: A condition; parts that the network does not see are left out.
        training: As in Keras.
    """
    names = seen_by(network)
    inputs = [first, *(parts[name] for name in names)] if names else first
    return network(inputs, training=training)
