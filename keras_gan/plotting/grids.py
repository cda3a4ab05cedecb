"""Grids of images: samples, nearest training examples (Figure 2), walks in z, weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

from keras_gan.core.errors import InputError

_PAPER = (255, 255, 255)
_INK = (40, 40, 40)
_MARK = (230, 159, 0)
_LEAST_TILE = 48  # pixels: smaller images are enlarged by a whole factor
_MOST_ENLARGED = 512  # pixels: a WebP file holds 16,383 a side, less than 6 tiles of 3 x 1,024
_GAP = 2
_BLOCK = 2**22  # numbers of training images that are compared at a time
_UNITS = 100  # the first ones of a layer are shown


def grid(images: ArrayLike, columns: int | None = None, *, scale: int | None = None) -> np.ndarray:
    """Lays images out row by row.

    Args:
        images: Float `[n, h, w]` or `[n, h, w, c]` in [0, 1], or uint8 in 0..255: gray, RGB, either
            with alpha (shown on white), or more channels, of which the first three are shown.
        columns: Images in a row; by default as square as can be.
        scale: Whole factor of enlargement; by default so that a tile has at least 48 pixels a side,
            but none is enlarged beyond 512.
    """
    tiles = _tiles(images, scale)
    columns = columns or math.ceil(math.sqrt(len(tiles)))
    if columns < 1:
        raise InputError(f"`columns` must be at least 1; received {columns}")
    n, height, width, _ = tiles.shape
    rows = -(-n // columns)
    picture = np.full(
        (rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3), _PAPER, np.uint8
    )
    for i, tile in enumerate(tiles):
        row, column = divmod(i, columns)
        top, left = _GAP + row * (height + _GAP), _GAP + column * (width + _GAP)
        picture[top : top + height, left : left + width] = tile
    return picture


def nearest_examples(
    samples: ArrayLike, train: ArrayLike, prepare: Callable[[np.ndarray], ArrayLike] = np.asarray
) -> np.ndarray:
    """Index in `train` of the image nearest to each sample by Euclidean distance, int `[n]`.

    Args:
        samples: Images as for `grid`.
        train: Images, which are read block by block, so that they may be a mapped file.
        prepare: From a block of `train` to images as for `grid`, such as `Preprocessing.unit`.
    """
    samples, train = np.asarray(samples), np.asanyarray(train)
    rows = _unit(samples).reshape(len(samples), -1) - np.float32(0.5)
    least = np.full(len(rows), np.inf)
    nearest = np.zeros(len(rows), np.int64)
    block = max(1, _BLOCK // rows.shape[1])
    for start in range(0, len(train), block) or [0]:
        images = _unit(np.asarray(prepare(train[start : start + block])))
        examples = images.reshape(len(images), -1)
        if rows.shape[1] != examples.shape[1]:
            raise InputError(
                f"`samples` and `train` must hold images of one size; "
                f"received {samples.shape} and {train.shape}"
            )
        # Squared distances without what depends on the sample alone; small numbers are exacter.
        examples = examples - np.float32(0.5)
        squares = np.einsum("ij,ij->i", examples, examples) - 2 * (rows @ examples.T)
        place, distance = squares.argmin(axis=1), squares.min(axis=1)
        closer = distance < least
        least[closer], nearest[closer] = distance[closer], start + place[closer]
    return nearest


def nearest_grid(
    samples: ArrayLike,
    train: ArrayLike,
    columns: int = 5,
    prepare: Callable[[np.ndarray], ArrayLike] = np.asarray,
) -> np.ndarray:
    """Figure 2: samples, then in a marked column the training example nearest to the last one.

    Args:
        samples: Images in the order they were drawn, as for `grid`; their number a multiple of
            `columns`.
        train: The whole training set, as for `nearest_examples`.
        columns: Samples in a row.
        prepare: As for `nearest_examples`.
    """
    samples = np.asarray(samples)
    if columns < 1 or len(samples) % columns:
        raise InputError(
            f"`samples` must fill rows of {columns}; received {len(samples)}: "
            "give another number, or other `columns`"
        )
    left = grid(samples, columns)
    nearest = nearest_examples(samples[columns - 1 :: columns], train, prepare)
    right = grid(prepare(np.asarray(train)[nearest]), 1)
    frame = 2 * _GAP
    marked = np.full((len(right) + 2 * frame, right.shape[1] + 2 * frame, 3), _MARK, np.uint8)
    marked[frame:-frame, frame:-frame] = right
    left = np.pad(left, ((frame, frame), (0, 2 * frame), (0, 0)), constant_values=255)
    picture = np.concatenate([left, marked], axis=1)
    return captioned(picture, "samples", right="nearest in training set")


def weight_grid(kernel: ArrayLike, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Weights of 100 units as tiles: white is 0, red positive, blue negative, on one scale.

    Args:
        kernel: Of a dense layer that sees images, `[pixels, units]`, with their `shape`; or of a
            convolution, `[height, width, channels, filters]`. Kernels with three channels are
            shown in color, gray for 0.
        shape: `(h, w)` or `(h, w, channels)` of the images that a dense layer sees.
    """
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim == 2 and shape is not None and kernel.shape[0] == math.prod(shape):
        tiles = kernel.T.reshape(-1, *shape)
    elif kernel.ndim == 4:
        tiles = np.moveaxis(kernel, -1, 0)
    else:
        raise InputError(
            "`kernel` must be [pixels, units] with the images' `shape`, "
            "or [h, w, channels, filters]; "
            f"received {list(kernel.shape)} and {shape}"
        )
    tiles = tiles[:_UNITS]
    tiles = tiles / max(float(np.quantile(np.abs(tiles), 0.999)), np.finfo(np.float64).tiny)
    tiles = np.clip(tiles, -1, 1)
    if tiles.ndim == 4 and tiles.shape[3] == 3:
        return grid((tiles + 1) / 2)
    tiles = tiles.mean(axis=3) if tiles.ndim == 4 else tiles
    positive, negative = np.maximum(tiles, 0), np.maximum(-tiles, 0)
    red, blue = 1 - negative, 1 - positive
    return grid(np.stack([red, 1 - np.abs(tiles), blue], axis=-1))


def captioned(picture: np.ndarray, text: str, *, right: str = "") -> np.ndarray:
    """Writes a line above a picture, `text` at the left and `right` at the right.

    Where both do not fit there are two lines; the picture gets wider if a line needs it.
    """
    font = ImageFont.load_default(14)
    texts = [(line, at_right) for line, at_right in ((text, False), (right, True)) if line]
    lengths = [math.ceil(font.getlength(line)) for line, _ in texts]
    height, width, _ = picture.shape
    together = sum(lengths) + 24 <= width
    width = max([width, *(length + 8 for length in lengths)])
    lines = 1 if together else len(texts)
    sheet = Image.new("RGB", (width, height + 20 * lines), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, ((line, at_right), length) in enumerate(zip(texts, lengths, strict=True)):
        left = width - length - 4 if at_right else 4
        draw.text((left, 1 if together else 1 + 20 * i), line, fill=_INK, font=font)
    sheet.paste(Image.fromarray(picture), (0, 20 * lines))
    return np.asarray(sheet)


def _unit(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1], float32, with a look at whether they are."""
    if images.size == 0:
        raise InputError("there are no images")
    if images.dtype == np.uint8:
        return images.astype(np.float32) / 255
    images = images.astype(np.float32, copy=False)
    low, high = float(images.min()), float(images.max())
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise InputError(
            f"images must lie in [0, 1], or be uint8; received numbers from {low:g} to {high:g}"
        )
    return images if low >= 0 and high <= 1 else np.clip(images, 0, 1)


def _visible(images: np.ndarray) -> np.ndarray:
    """Gray or RGB of images in [0, 1]: alpha (2, 4 channels) on white; of more, the first 3."""
    if images.shape[3] in (2, 4):
        alpha = images[..., -1:]
        return images[..., :-1] * alpha + 1 - alpha
    return images[..., :3]


def enlargement(height: int, width: int) -> int:
    """The factor by which `grid` enlarges images of this size."""
    wanted, possible = -(-_LEAST_TILE // min(height, width)), _MOST_ENLARGED // max(height, width)
    return max(1, min(wanted, possible))


def _tiles(images: ArrayLike, scale: int | None) -> np.ndarray:
    """uint8 `[n, height, width, 3]`, enlarged."""
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4:
        raise InputError(f"images must be [n, h, w] or [n, h, w, c]; received {list(images.shape)}")
    tiles = np.round(255 * _visible(_unit(images))).astype(np.uint8)
    tiles = np.broadcast_to(tiles, (*tiles.shape[:3], 3))
    scale = scale or enlargement(*tiles.shape[1:3])
    return tiles.repeat(scale, axis=1).repeat(scale, axis=2)
