"""The base of layers that are made of other layers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import keras

from keras_gan.core.randomness import derived_seeds
from keras_gan.layers.spectral_norm import SpectralNorm


class CompoundLayer(keras.layers.Layer):
    """A layer with several kernels, all spectrally normalized or none.

    Args:
        spectral_norm: Whether they are.
        kernel_initializer: Initializer of the kernels; each gets a seed of its own.
    """

    def __init__(self, spectral_norm: bool = False, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.spectral_norm = spectral_norm
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def _initializers(self, count: int) -> list[keras.initializers.Initializer]:
        """One for each kernel, with seeds derived from that of `kernel_initializer`."""
        initializer = self.kernel_initializer
        known = isinstance(initializer, keras.initializers.Initializer)
        config = initializer.get_config() if known else {}
        seed = config.get("seed", initializer)
        if not isinstance(seed, int | None):  # it has no seed, or a generator of seeds
            return [initializer] * count
        seeds: Iterator = itertools.repeat(None) if seed is None else derived_seeds(seed)
        kind = type(initializer)
        return [kind.from_config({**config, "seed": next(seeds)}) for _ in range(count)]

    def _built(self, layer: keras.layers.Layer, input_shape) -> keras.layers.Layer:
        """The layer, normalized or not, with its weights."""
        layer = SpectralNorm(layer) if self.spectral_norm else layer
        layer.build(input_shape)
        return layer

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "spectral_norm": self.spectral_norm,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
