"""A data set in memory or in a mapped file: three checked splits, fingerprint and provenance."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Collection
from typing import Any

import numpy as np

from keras_gan.core.errors import InputError

SPLITS = ("train", "validation", "test")
_PERMUTATION_SEED = 0
_CHANNELS = 8  # that an image may have


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Examples, and their labels where there are any.

    Args:
        x: Images `[n, h, w, c]` (gray ones also `[n, h, w]`), c = 1 to 8, as integers 0..255,
            uint16 0..65535 (0..255 where none is larger) or floats in [0, 1]; or points `[n, d]`,
            as floats. Stored as uint8 or float32, images with their channel axis; 16 bits become
            8. A `np.memmap` of uint8 stays one.
        y: Labels `[n]`, integers >= 0, or -1 where unknown. Stored as int64; None where every
            label is unknown.
        origin: Name of the examples in messages, such as a file and the array's name in it.
    """

    x: np.ndarray
    y: np.ndarray | None = None
    origin: dataclasses.InitVar[str] = "x"

    def __post_init__(self, origin: str) -> None:
        object.__setattr__(self, "x", _examples(self.x, origin))
        object.__setattr__(self, "y", _labels(self.y, len(self.x), origin))

    def __repr__(self) -> str:
        labels = "no labels" if self.y is None else "labels"
        return f"Split(x: {self.x.dtype} {list(self.x.shape)}, {labels})"

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice | np.ndarray) -> Split:
        return Split(self.x[rows], None if self.y is None else self.y[rows])


@dataclasses.dataclass(frozen=True, eq=False)
class DataSet:
    """A named set of examples with its splits, whose elements have one shape and type.

    Args:
        name: Its name.
        train: Examples to train on.
        validation: Examples to select a model by.
        test: Examples to report results on.
        label_names: Names of labels 0, 1, ..., or None.
        provenance: Version and rule of the splits, in words, for reports.
        description: Sentences for the user: the files that were found, and what was done with them.
        flip: Whether a picture and its mirror image are equally good examples.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    label_names: tuple[str, ...] | None = None
    provenance: str = ""
    description: tuple[str, ...] = ()
    flip: bool = False

    def __post_init__(self) -> None:
        for which in SPLITS:
            x = getattr(self, which).x
            if (x.shape[1:], x.dtype) != (self.element_shape, self.train.x.dtype):
                raise InputError(
                    f"{self.name}: every split must hold elements of one shape and type, but train "
                    f"holds {self.train.x.dtype} {self.element_shape} and {which} {x.dtype} "
                    f"{x.shape[1:]}"
                )
        pixels = self.train.x
        # Nearly always the first thousand images decide, so that mapped files need not be read.
        if pixels.dtype == np.uint8 and pixels[:1000].max() <= 1 and pixels.max() <= 1:
            raise InputError(
                f"{self.name}: integer images are read as 0..255, but none of these pixels is "
                "above 1; save them with values up to 255, or arrays as floats in [0, 1]"
            )

    @property
    def element_shape(self) -> tuple[int, ...]:
        """Shape of one example: `(h, w, c)` or `(d,)`."""
        return self.train.x.shape[1:]

    @property
    def is_image(self) -> bool:
        """Whether the examples are images; points otherwise."""
        return len(self.element_shape) == 3

    @functools.cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the values, labels, shapes and types of all splits (BLAKE2b)."""
        digest = hashlib.blake2b(digest_size=8)
        for split in (self.train, self.validation, self.test):
            for array in (split.x, split.y):
                if array is None:
                    digest.update(b"none;")
                    continue
                array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
                digest.update(f"{array.dtype.str}{array.shape};".encode())
                digest.update(array.data)
        return digest.hexdigest()


def hold_out(
    train: Split, validation: Split | None = None, test: Split | None = None
) -> tuple[Split, Split, Split, str]:
    """Train, validation and test split, and the rule in words.

    Missing ones are a tenth of `train` each. Its rows are shuffled once, and those held out come
    first: nothing depends on the order in which a set was stored, sorted by class for instance.
    """
    if validation is not None and test is not None:
        return train, validation, test, held_out_rule(())
    missing = [n for n, s in (("validation", validation), ("test", test)) if s is None]
    rows = held_out_rows(len(train), missing)
    test = train[rows["test"]] if test is None else test
    validation = train[rows["validation"]] if validation is None else validation
    return train[rows["train"]], validation, test, held_out_rule(missing)


def held_out_rows(examples: int, missing: Collection[str]) -> dict[str, np.ndarray]:
    """Rows of `train`, and of the missing ones of `validation` and `test`, by a permutation."""
    if missing and examples < 10:
        raise InputError(
            f"a tenth of the examples is held out as {' and as '.join(missing)} data, so at least "
            f"10 are needed. Received: {examples}"
        )
    # RandomState's streams are frozen; those of NumPy's newer generators may change with a release.
    order = np.random.RandomState(_PERMUTATION_SEED).permutation(examples)
    rows = {}
    for name in ("test", "validation"):
        if name in missing:
            rows[name], order = np.split(order, [examples // 10])
    return {**rows, "train": order}


def held_out_rule(missing: Collection[str]) -> str:
    """The rule of the splits in words."""
    if not missing:
        return "the set's own train, validation and test splits"
    return f"{' and '.join(missing)}: a tenth of train each, by a fixed permutation"


def _examples(x: Any, origin: str) -> np.ndarray:
    """Images or points as uint8 or float32, images with a channel axis, or `InputError`."""
    x = x if isinstance(x, np.memmap) else np.asarray(x)
    x = x.astype(x.dtype.newbyteorder("="), copy=False)
    if x.ndim not in (2, 3, 4) or x.dtype.kind not in "biuf":
        raise InputError(
            f"{origin} must hold images [n, h, w] or [n, h, w, c] or points [n, d], as numbers. "
            f"Received: {x.dtype} {list(x.shape)}"
        )
    if x.size == 0:
        raise InputError(f"{origin} holds no data. Received: shape {list(x.shape)}")
    if x.ndim == 3:
        x = x[..., np.newaxis]
    if x.ndim == 4 and x.shape[-1] > _CHANNELS:
        raise InputError(
            f"{origin} must hold images [n, h, w, c] with 1 to {_CHANNELS} channels, the last "
            f"axis. Received: shape {list(x.shape)}"
        )
    is_float = x.dtype.kind == "f"
    if x.ndim == 2 and not is_float:
        raise InputError(
            f"{origin} holds discrete points, which a GAN cannot generate (the generator "
            "learns from the gradient with respect to x): save measurements as floats, flat "
            f"images as [n, h, w]. Received: {x.dtype} {list(x.shape)}"
        )
    if x.dtype == np.uint8:
        return x
    if is_float:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes Inf, reported as such
            x = x.astype(np.float32, copy=False)
        if (bad := ~np.isfinite(x)).any():
            index = [int(i) for i in np.unravel_index(bad.argmax(), bad.shape)]
            raise InputError(
                f"{origin}{index} is {x[tuple(index)]} ({int(bad.sum())} such values in float32); "
                "correct or leave out these examples"
            )
    if x.ndim == 4 and has_16_bits(x):
        x = from_16_bits(x)
    largest = 1 if is_float else 255
    if x.ndim == 4 and (x.dtype == bool or x.min() < 0 or x.max() > largest):
        raise InputError(
            f"{origin}: images must be integers 0..255 or floats in [0, 1], or uint16 0..65535. "
            f"Received: {x.dtype} from {x.min()} to {x.max()}"
        )
    return x if is_float else x.astype(np.uint8)


def has_16_bits(x: np.ndarray) -> bool:
    """Whether pixels are uint16, in either byte order, and exceed 255."""
    return x.dtype.newbyteorder("=") == np.uint16 and x.size > 0 and bool(x.max() > 255)


def from_16_bits(x: np.ndarray) -> np.ndarray:
    """Pixels 0..65535 as uint8 0..255, the nearest: 65535 is 257 * 255."""
    return ((x.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _labels(y: Any, n: int, origin: str) -> np.ndarray | None:
    if y is None:
        return None
    y = np.asarray(y)
    if y.shape != (n,) or y.dtype.kind not in "iu" or y.min() < -1:
        raise InputError(
            f"the labels of {origin} must be integers [{n}], >= 0 (-1 where unknown). "
            f"Received: {y.dtype} {list(y.shape)}"
        )
    return None if (y == -1).all() else y.astype(np.int64, copy=False)
