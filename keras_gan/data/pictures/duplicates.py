"""Examines all pixels: pictures that come twice, pictures of writing, and dark ones."""

from __future__ import annotations

import hashlib

import numpy as np

_ROWS = 512  # pictures looked at at once
_NEAR = 6.0  # mean difference of gray values up to which pictures with one hash are nearly equal
_CELLS = (8, 9)  # rows and columns of the means that a hash compares
_EXTREME = 0.25  # share of the gray scale at each end that counts as black or white
_DARK = 0.3  # share of the scale up to which all is dark; 14 of 16 bits are a quarter
_WRITING = 2 / 3  # share of such pixels from which a gray picture looks like writing
_PICTURES = 0.9  # share of such pictures from which all count as writing


def count(x: np.ndarray) -> tuple[int, int]:
    """Pictures that equal an earlier one, and further ones that nearly do.

    Nearly equal are pictures with one difference hash (8 x 8 comparisons of neighboring means of
    gray; Krawetz 2013, "Kind of like that") whose cells differ by at most 6 of 255 on average from
    those of the first picture with that hash.

    Args:
        x: Pictures, uint8 `[n, h, w, c]`.
    """
    digests = np.empty(len(x), "S16")
    cells = np.empty((len(x), *_CELLS), np.float32)
    for start in range(0, len(x), _ROWS):
        block = x[start : start + _ROWS]
        rows = slice(start, start + len(block))
        # In hexadecimal, because NumPy's strings of bytes cannot end in zero bytes.
        digests[rows] = [hashlib.blake2b(p, digest_size=8).hexdigest() for p in block]
        cells[rows] = _means(block)
    _, first = np.unique(digests, return_index=True)
    equal = len(x) - len(first)
    cells = cells[np.sort(first)]
    bits = (cells[:, :, 1:] > cells[:, :, :-1]).reshape(len(cells), -1)
    _, first, group = np.unique(
        np.packbits(bits, axis=1), axis=0, return_index=True, return_inverse=True
    )
    leaders = first[group.ravel()]
    near = np.abs(cells - cells[leaders]).mean(axis=(1, 2)) <= _NEAR
    near[first] = False
    return equal, int(near.sum())


def look_like_writing(x: np.ndarray) -> bool:
    """Whether pictures are like text or digits: gray, and most pixels are nearly black or white.

    Nearly means within a quarter of the scale, most means two thirds, in nine of ten pictures. In
    nine of ten images of MNIST it is 93 % of the pixels or more, of Fashion-MNIST 52 %.

    Args:
        x: Pictures `[n, h, w, c]`, uint8 or floats in [0, 1]; the first 1,000 are looked at.
    """
    x = x[:1000]
    if x.shape[-1] not in (1, 3) or (x != x[..., :1]).any():
        return False
    top = 255 if x.dtype == np.uint8 else 1
    extreme = (x <= _EXTREME * top) | (x >= (1 - _EXTREME) * top)
    shares = extreme.mean(axis=(1, 2, 3))
    return bool((shares >= _WRITING).mean() >= _PICTURES)


def darkness(x: np.ndarray) -> list[str]:
    """A sentence on pictures whose values all lie in the lowest part of the scale.

    Cameras and scanners of 10 to 14 bits often write their values unchanged into 16.

    Args:
        x: Pictures without alpha, uint8 or floats in [0, 1].
    """
    share = x.max() / (255 if x.dtype == np.uint8 else 1)
    if share > _DARK:
        return []
    return [
        f"all pictures are dark: their largest value is {share:.1%} of white; scale the values to "
        "the whole range, with 16 bits 0 to 65535"
    ]


def _means(x: np.ndarray) -> np.ndarray:
    """Mean gray of 8 x 9 cells of each picture, float32 `[n, 8, 9]`."""
    height, width, channels = x.shape[1:]
    (rows, columns), (tall, wide) = zip(*map(_edges, (height, width), _CELLS), strict=True)
    sums = np.add.reduceat(x, rows, axis=1, dtype=np.uint32)
    sums = np.add.reduceat(sums, columns, axis=2).sum(axis=3)
    return (sums / (tall[:, None] * wide * channels)).astype(np.float32)


def _edges(length: int, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the cells along an axis begin, and how long they are; short axes repeat pixels."""
    begin = np.arange(cells) * length // cells
    return begin, np.maximum(np.diff(begin, append=length), 1)
