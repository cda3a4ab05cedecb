"""The small classifier that tells which classes samples are of; trained on the same data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError
from keras_gan.evaluation.features.base import digest
from keras_gan.layers import channels_last

_BATCH = 128
_SEEN = 100_000  # examples in training, if the number of epochs is not given
_BLOCK = 1000  # examples that are read or classified at a time


class Classifier:
    """A trained classifier: images or points in, class probabilities and features out.

    Bytes count as floats in [0, 1], as in every feature network.

    It is small so that it trains in seconds. Its accuracy is 97 % on digits and MNIST, and 54 % on
    CIFAR-10, where it blurs the classes' shares so much that only gross collapses show in them.

    Args:
        model: Keras model from examples to `(probabilities, features)`.
    """

    name = "classifier"
    resizing = "none"

    def __init__(self, model: keras.Model):
        self._model = model

    @property
    def weights(self) -> str:
        """SHA-256 of its weights, hexadecimal."""
        return digest(self._model.get_weights())

    @classmethod
    def fit(
        cls,
        examples: ArrayLike,
        labels: ArrayLike,
        *,
        epochs: int | None = None,
        seed: int = 0,
        prepare: Callable[[np.ndarray], ArrayLike] = np.asarray,
    ) -> Classifier:
        """Trains a classifier: two strided convolutions for images, a dense net for anything else.

        The result depends on the seed alone, and no global random state is read or changed, so
        that a training run in the same process goes on as if nothing had happened.

        Args:
            examples: Training examples `[n, ...]`. They are read in blocks, and may be a mapped
                file.
            labels: Their classes, int `[n]` from 0; examples with -1 are left out.
            epochs: Passes through the examples; by default enough for about 800 updates.
            seed: Seed of the initial weights and of the order of the examples.
            prepare: Brings examples to the range that samples will have.
        """
        examples = np.asanyarray(examples)
        labels = np.asarray(labels).reshape(-1)
        if examples.ndim < 2 or len(examples) != len(labels) or not len(labels):
            raise InputError(
                "`examples` and `labels` must hold as many; "
                f"received shapes {examples.shape} and {labels.shape}"
            )
        if not np.issubdtype(labels.dtype, np.integer) or labels.max() < 1:
            raise InputError("`labels` must be ints from 0 on, of at least two classes")
        known = np.flatnonzero(labels >= 0)

        def read(rows: np.ndarray) -> np.ndarray:
            return _floats(prepare(examples[rows]))

        mean, sd = _moments(read(rows) for rows in np.array_split(known, -(-len(known) // _BLOCK)))
        model = _network(examples.shape[1:], int(labels.max()) + 1, mean, sd, seed)
        _train(model, read, labels, known, epochs or -(-_SEEN // len(known)), seed)
        return cls(model)

    @classmethod
    def of_labeled(
        cls,
        examples: ArrayLike,
        labels: ArrayLike | None,
        prepare: Callable[[np.ndarray], ArrayLike] = np.asarray,
    ) -> Classifier | None:
        """The classifier of examples of two known classes or more, otherwise None.

        None also where a label is no less than the number of examples: then labels are of another
        kind, such as identifiers, and as many units would fill the memory.
        """
        if labels is None:
            return None
        classes = np.unique(labels)
        classes = classes[classes >= 0]
        if len(classes) < 2 or classes[-1] >= np.size(labels):
            return None
        return cls.fit(examples, labels, prepare=prepare)

    def probabilities(self, examples: ArrayLike) -> np.ndarray:
        """Class probabilities of examples `[n, ...]`, float32 `[n, classes]`."""
        return self._run(examples)[0]

    def features(self, examples: ArrayLike) -> np.ndarray:
        """Activations of the last hidden layer for examples `[n, ...]`, float32 `[n, 64]`."""
        return self._run(examples)[1]

    def accuracy(self, examples: ArrayLike, labels: ArrayLike) -> float:
        """Share of the examples of known class, labels >= 0, that are given their label."""
        labels = np.asarray(labels).reshape(-1)
        known = labels >= 0
        if not known.any():
            raise InputError("`labels` must have a known class, >= 0. Received: none")
        answers = self.probabilities(examples).argmax(axis=1)
        return float(np.mean(answers[known] == labels[known]))

    def _run(self, examples: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        examples = _floats(examples)
        shape = self._model.input_shape[1:]
        if examples.shape[1:] != shape or not len(examples):
            raise InputError(f"the classifier takes examples {shape}; received {examples.shape}")
        outputs = [
            self._model(examples[start : start + _BLOCK], training=False)
            for start in range(0, len(examples), _BLOCK)
        ]
        probabilities, features = zip(*outputs, strict=True)
        return np.concatenate(probabilities), np.concatenate(features)


def _floats(examples: ArrayLike) -> np.ndarray:
    array = np.asarray(examples)
    floats = array.astype(np.float32, copy=False)
    return floats / 255 if array.dtype == np.uint8 else floats


def _network(
    shape: tuple[int, ...], classes: int, mean: float, sd: float, seed: int
) -> keras.Model:
    """Names, types and seeds are given, so that none is taken from global state."""
    seeds = iter(range(4 * seed, 4 * seed + 4))

    def layer(kind: Callable, *args: object, name: str, **kwargs: object) -> keras.layers.Layer:
        initializer = keras.initializers.HeNormal(seed=next(seeds))
        return kind(*args, kernel_initializer=initializer, dtype="float32", name=name, **kwargs)

    inputs = keras.Input(shape, dtype="float32", name="examples")
    x = keras.layers.Rescaling(1 / sd, -mean / sd, dtype="float32", name="scale")(inputs)
    if len(shape) == 3:
        for name, filters, size in (("first", 16, 5), ("second", 32, 3)):
            window = {"strides": 2, "padding": "same", "activation": "relu"}
            x = layer(channels_last.Conv2D, filters, size, name=name, **window)(x)
    x = channels_last.Flatten(dtype="float32", name="flat")(x)
    if len(shape) != 3:
        x = layer(keras.layers.Dense, 128, activation="relu", name="first")(x)
    features = layer(keras.layers.Dense, 64, activation="relu", name="features")(x)
    probabilities = layer(keras.layers.Dense, classes, activation="softmax", name="classes")(
        features
    )
    return keras.Model(inputs, (probabilities, features), name="classifier")


def _moments(blocks: Iterable[np.ndarray]) -> tuple[float, float]:
    """Mean and standard deviation of all numbers, which must be finite and not all the same."""
    moments = []
    for block in blocks:
        if not np.isfinite(block).all():
            raise InputError("`examples` must be finite")
        numbers = block.astype(np.float64)
        moments.append((block.size, numbers.mean(), numbers.var()))
    sizes, means, variances = np.array(moments).T
    mean = np.average(means, weights=sizes)
    variance = np.average(variances + (means - mean) ** 2, weights=sizes)
    if not variance > 0:
        raise InputError("`examples` must not be all the same")
    return float(mean), float(np.sqrt(variance))


def _train(
    model: keras.Model,
    read: Callable[[np.ndarray], np.ndarray],
    labels: np.ndarray,
    rows: np.ndarray,
    epochs: int,
    seed: int,
) -> None:
    """One pass of `fit` over an order drawn here: `fit` would draw it from global state."""
    student = keras.Model(model.inputs, model.outputs[0], name="student")
    student.compile(
        keras.optimizers.Adam(1e-3, name="adam"), keras.losses.SparseCategoricalCrossentropy()
    )
    random = np.random.default_rng(seed)
    order = np.concatenate([rows[random.permutation(len(rows))] for _ in range(epochs)])
    shape, y = model.input_shape, tf.constant(labels)

    def pair(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.numpy_function(read, [batch], tf.float32, stateful=False)
        return tf.ensure_shape(x, shape), tf.gather(y, batch)

    pairs = tf.data.Dataset.from_tensor_slices(order).batch(_BATCH).map(pair)
    student.fit(pairs, shuffle=False, verbose=0)
