"""Features that a run has learned, for scikit-learn: images in [0, 1] in, `[n, features]` out.

    make_pipeline(DiscriminatorFeatures("runs/mnist-..."), StandardScaler(), LogisticRegression())

`fit` only loads the run; nothing is learned from the images that it is given.
"""

from __future__ import annotations

import os
from typing import Any, Self

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from keras_gan.core.errors import InputError
from keras_gan.data import Split
from keras_gan.experiment.run import Run
from keras_gan.layers.batch_features import mixing_layers

_BATCH = 1000


class _Features(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A transformer over the network of a run; subclasses load it."""

    run_dir: str | os.PathLike[str]
    trust_recipe: bool

    def fit(self, X: Any, y: Any = None) -> Self:
        """Loads the run; images as `transform` takes them are only looked at, `y` is ignored."""
        run = Run.open(self.run_dir, self.trust_recipe)
        if run.condition is not None:
            raise InputError(
                f"the networks of {run.path} see a condition besides images; use a run of an "
                "unconditional recipe"
            )
        self.network_, self.preprocessing_ = self._load(run), run.preprocessing
        images = self._images(X)
        self._n_features_out = self.transform(images[:1]).shape[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The features of images, float32 `[n, features]`.

        Images are floats in [0, 1] or bytes, `[n, h, w, c]`, gray ones also `[n, h, w]`, or flat
        `[n, h w c]`; for a run on points, these `[n, d]`.
        """
        check_is_fitted(self, "network_")
        images = self._images(X)
        batches = [
            self._read(self.preprocessing_.normalize(images[first : first + _BATCH]))
            for first in range(0, len(images), _BATCH)
        ]
        return np.concatenate(batches).reshape(len(images), -1).astype(np.float32)

    def _images(self, X: Any) -> np.ndarray:
        shape = self.network_.input_shape[1:]
        images = np.asarray(X)
        size = int(np.prod(shape))
        taken = [shape, (size,)]
        if len(shape) == 3 and shape[-1] == 1:
            taken.append(shape[:-1])
        if images.shape[1:] not in taken or not len(images):
            raise InputError(
                f"{self.run_dir} takes images of shape {shape}, or flat ones of {size} numbers, at "
                f"least one. Received: an array of shape {images.shape}"
            )
        return Split(images.reshape(-1, *shape), origin="X").x

    def _load(self, run: Run) -> keras.Model:
        raise NotImplementedError

    def _read(self, scaled: np.ndarray) -> np.ndarray:
        return np.asarray(self.network_(scaled, training=False))


class DiscriminatorFeatures(_Features):
    """Activations of a run's discriminator (section 7 of the paper, point 4).

    Those of its first hidden layer by default, which help most where labels are few: the last one
    keeps little but what tells samples from data (`docs/extensions.md` has numbers).

    Args:
        run_dir: A finished run or a preset, as for `keras_gan.Run.open`.
        layer: Name of a layer of D; None for its first hidden layer.
        trust_recipe: Whether to run the recipe file that the run names, if it names one.
    """

    def __init__(
        self,
        run_dir: str | os.PathLike[str],
        layer: str | None = None,
        trust_recipe: bool = False,
    ):
        self.run_dir = run_dir
        self.layer = layer
        self.trust_recipe = trust_recipe

    def _load(self, run: Run) -> keras.Model:
        discriminator = run.gan().discriminator
        if self.layer is None:
            output = _first_hidden(discriminator)
        else:
            names = [layer.name for layer in discriminator.layers]
            if self.layer not in names:
                raise InputError(
                    f"the discriminator of {run.path} has no layer {self.layer!r}; choose from "
                    f"{', '.join(names)}"
                )
            output = discriminator.get_layer(self.layer).output
        features = keras.Model(discriminator.inputs[0], output, name="features")
        if mixing := mixing_layers(features):
            raise InputError(
                f"layer {self.layer!r} depends on other images of the batch, by "
                f"{mixing[0].name!r}; choose a layer before that one"
            )
        return features


def _first_hidden(discriminator: keras.Model) -> Any:
    """The input of the second layer with a kernel: the first one's output, through its units."""
    with_kernel = [
        layer for layer in discriminator.layers if any(len(w.shape) > 1 for w in layer.weights)
    ]
    if len(with_kernel) < 2:
        raise InputError(
            f"{discriminator.name!r} has no hidden layer; name one of its layers: `layer`"
        )
    return with_kernel[1].input


class InferenceFeatures(_Features):
    """The latents that a run's inference network finds: the center of q(z | x).

    Args:
        run_dir: The same, with an inference network.
        trust_recipe: Whether to run the recipe file that the run names, if it names one.
    """

    def __init__(self, run_dir: str | os.PathLike[str], trust_recipe: bool = False):
        self.run_dir = run_dir
        self.trust_recipe = trust_recipe

    def _load(self, run: Run) -> keras.Model:
        self.inference_ = run.inference()
        return self.inference_.network

    def _read(self, scaled: np.ndarray) -> np.ndarray:
        return np.asarray(self.inference_.encode(scaled))
