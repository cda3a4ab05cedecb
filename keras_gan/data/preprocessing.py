"""Maps of the data to the networks' scale, and of the generator's output back to [0, 1].

Both return NumPy arrays for NumPy arrays, and tensors for tensors, also in a graph or under XLA.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Self

import keras
import numpy as np
from keras import ops

from keras_gan.core.errors import InputError

_ROWS = 4096  # rows of an array mapped at once: bounds the memory of the intermediate results
_FLAT = 1e-4  # an image on [0, 1] with a smaller L2 norm about its mean is constant up to rounding


class Preprocessing:
    """Base of all preprocessings; subclasses override the maps between float32 tensors."""

    name: ClassVar[str]

    @classmethod
    def fit(cls, x: np.ndarray) -> Self:
        """The preprocessing, its constants computed from training examples `x` `[n, ...]`."""
        return cls()

    def normalize(self, x: Any) -> Any:
        """Examples on the networks' scale, float32 `[n, ...]`.

        Args:
            x: Batch `[n, ...]`: uint8 0..255, or floats in [0, 1] (points: any floats).
        """
        return _rowwise(lambda rows: self._normalize(self._read(rows)), x)

    def denormalize(self, x: Any) -> Any:
        """The generator's output, floats `[n, ...]`, as float32 in [0, 1] (points: unchanged)."""
        return _rowwise(lambda rows: self._denormalize(ops.cast(rows, "float32")), x)

    def unit(self, x: Any) -> Any:
        """Examples as samples come: normalized and denormalized, float32 `[n, ...]`."""
        return self.denormalize(self.normalize(x))

    def get_config(self) -> dict[str, Any]:
        """The name and the constants, as JSON can hold them."""
        return {"name": self.name, **vars(self)}

    def _read(self, x: Any) -> Any:
        dtype = keras.backend.standardize_dtype(x.dtype)
        if dtype == "uint8":
            return ops.cast(x, "float32") / 255.0
        if "float" in dtype:
            return ops.cast(x, "float32")
        raise InputError(f"examples must be uint8 0..255 or floats. Received: {dtype}")

    def _normalize(self, x: Any) -> Any:
        return x

    def _denormalize(self, x: Any) -> Any:
        return x


class UnitRange(Preprocessing):
    """Pixels in [0, 1], as in the paper for MNIST and TFD; `denormalize` clips to them."""

    name = "unit_range"

    def _denormalize(self, x: Any) -> Any:
        return ops.clip(x, 0.0, 1.0)


class SymmetricRange(Preprocessing):
    """Pixels in [-1, 1], as in most papers after 2015; `denormalize` clips to [0, 1]."""

    name = "symmetric_range"

    def _normalize(self, x: Any) -> Any:
        return 2.0 * x - 1.0

    def _denormalize(self, x: Any) -> Any:
        return ops.clip((x + 1.0) / 2.0, 0.0, 1.0)


class Identity(Preprocessing):
    """Real-valued data of any rank, unchanged both ways."""

    name = "identity"

    def _read(self, x: Any) -> Any:
        if keras.backend.standardize_dtype(x.dtype) == "uint8":
            raise InputError("images of bytes need preprocessing 'unit_range', not 'identity'")
        return super()._read(x)


@dataclasses.dataclass(frozen=True)
class GlobalContrastNormalization(Preprocessing):
    """Each image minus its mean, at L2 norm `norm`: the paper's preprocessing of CIFAR-10.

    Agrees with `global_contrast_normalize(scale=55)` of pylearn2: the mean is over all pixels
    and channels of the image, and a constant image becomes 0.

    An image's own mean and contrast are lost, so `denormalize` is the same affine map for every
    image, `gain * x + offset` clipped to [0, 1]. `fit` takes `offset` as the training pixels' mean
    and `gain` as the mean norm of the training images (about their means) over `norm`: before
    clipping no affine map brings the normalized training images nearer to the originals in squared
    error.

    Args:
        gain: Contrast of denormalized images.
        offset: Brightness of denormalized images.
        norm: L2 norm of a normalized image.

    Reference: section 5 of the paper; Coates, Lee and Ng 2011.
    """

    gain: float
    offset: float
    norm: float = 55.0

    name = "global_contrast"

    @classmethod
    def fit(cls, x: np.ndarray) -> Self:
        """Constants from training images `[n, h, w, c]`, uint8 or floats in [0, 1]."""
        flat = np.asarray(x).reshape(len(x), -1)
        top = 255.0 if flat.dtype == np.uint8 else 1.0
        means, norms = np.empty(len(flat)), np.empty(len(flat))
        for rows in _blocks(len(flat)):
            pixels = flat[rows] / np.float64(top)
            means[rows] = pixels.mean(axis=1)
            norms[rows] = np.linalg.norm(pixels - means[rows, None], axis=1)
        norms = norms[norms >= _FLAT]
        if not len(norms):
            raise InputError("every image is constant, so there is no contrast to normalize")
        # Rounded, because the constants are part of a run's identity on every machine.
        return cls(round(float(norms.mean()) / cls.norm, 8), round(float(means.mean()), 8))

    def _normalize(self, x: Any) -> Any:
        axes = tuple(range(1, len(x.shape)))
        x = x - ops.mean(x, axis=axes, keepdims=True)
        squared = ops.sum(ops.square(x), axis=axes, keepdims=True)
        flat = squared < _FLAT**2
        # The inner `where` keeps the root's gradient finite where the outer one discards it.
        norm = ops.sqrt(ops.where(flat, 1.0, squared))
        return ops.where(flat, 0.0, x * (self.norm / norm))

    def _denormalize(self, x: Any) -> Any:
        return ops.clip(self.gain * x + self.offset, 0.0, 1.0)


NAMES: dict[str, type[Preprocessing]] = {
    kind.name: kind for kind in (UnitRange, SymmetricRange, GlobalContrastNormalization, Identity)
}


def fit(name: str, x: np.ndarray) -> Preprocessing:
    """The preprocessing of that name, such as "unit_range", fitted to training data."""
    return _named(name).fit(x)


def from_config(config: dict[str, Any]) -> Preprocessing:
    """The preprocessing that `get_config` described; `InputError` if it does not exist."""
    constants = {key: value for key, value in config.items() if key != "name"}
    cls = _named(config.get("name"))
    try:
        return cls(**constants)
    except TypeError as error:
        raise InputError(
            f"preprocessing {cls.name!r} takes other constants. Received: {config}"
        ) from error


def checked(preprocessing: Any) -> Preprocessing:
    """The argument `preprocessing` of a function; InputError if it is a name or a class."""
    if not isinstance(preprocessing, Preprocessing):
        raise InputError(
            "`preprocessing` must be an object of keras_gan.data, such as "
            f"keras_gan.data.UnitRange(). Received: {preprocessing!r}"
        )
    return preprocessing


def _named(name: Any) -> type[Preprocessing]:
    if name not in NAMES:
        raise InputError(f"preprocessing must be one of {sorted(NAMES)}. Received: {name!r}")
    return NAMES[name]


def _rowwise(function: Callable[[Any], Any], x: Any) -> Any:
    """Apply to a tensor at once; to an array block by block, on the CPU, into a new array."""
    if ops.is_tensor(x) or isinstance(x, keras.KerasTensor):
        return function(x)
    x = np.asarray(x)
    out = np.empty(x.shape, np.float32)
    with keras.device("cpu:0"):
        for rows in _blocks(len(x)):
            out[rows] = function(x[rows])
    return out


def _blocks(n: int) -> list[slice]:
    return [slice(start, start + _ROWS) for start in range(0, n, _ROWS)]
