"""The base of layers that are made of other layers."""

from __future__ import annotations

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
        kind, config = type(self.kernel_initializer), self.kernel_initializer.get_config()
        if not isinstance(config.get("seed"), int):
            return [kind.from_config(config) for _ in range(count)]
        seeds = derived_seeds(config["seed"])
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
