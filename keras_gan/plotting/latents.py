"""Walks in z (Figure 3): latents whose images show that the space between samples is filled."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError


def lines(starts: ArrayLike, ends: ArrayLike, steps: int = 10) -> np.ndarray:
    """Straight lines between pairs of points.

    A line between latents of a uniform prior stays in its cube. One between latents of a normal or
    a spherical prior passes through shorter vectors than the prior draws, and one of a mixture
    between its normals.

    Args:
        starts: Latents `[pairs, d]`.
        ends: Latents `[pairs, d]`.
        steps: Points on each line, both ends included, at least 2.

    Returns:
        Float32 `[pairs * steps, d]`, line after line: a grid of `steps` columns.
    """
    starts, ends = np.asarray(starts, np.float32), np.asarray(ends, np.float32)
    if starts.ndim != 2 or starts.shape != ends.shape or steps < 2:
        raise InputError(
            "`starts` and `ends` must be [pairs, d] alike and `steps` at least 2; "
            f"received {list(starts.shape)}, {list(ends.shape)} and {steps}"
        )
    way = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return ((1 - way) * starts[:, None] + way * ends[:, None]).reshape(-1, starts.shape[1])


def circuit(corners: ArrayLike, steps: int = 10) -> np.ndarray:
    """The way round a polygon and back to its first corner; without end as an animation.

    Args:
        corners: Latents `[corners, d]`, in order.
        steps: Points on each side, its first corner included and its last left to the next side.

    Returns:
        Float32 `[corners * steps, d]`: a grid of `steps` columns has a side in each row.
    """
    corners = np.asarray(corners, np.float32)
    sides = lines(corners, np.roll(corners, -1, axis=0), steps + 1)
    return sides.reshape(len(corners), steps + 1, -1)[:, :-1].reshape(len(corners) * steps, -1)


def loop(corners: ArrayLike, steps: int = 16) -> np.ndarray:
    """A smooth way through latents and back to the first; without end as an animation.

    Between neighbors a and b it is `cos(t) a + sin(t) b`, slow near both. For two draws of a
    standard normal each of these is a draw, too; straight lines pass through shorter vectors.
    Points of other priors may have to be projected (`keras_gan.priors.Prior.project`).

    Args:
        corners: Latents `[corners, d]`, in order.
        steps: Points from each to the next.

    Returns:
        Float32 `[corners * steps, d]`.
    """
    corners = np.asarray(corners, np.float32)
    way = np.arange(steps, dtype=np.float32)[:, None] / steps
    angle = np.pi / 2 * way**2 * (3 - 2 * way)
    following = np.roll(corners, -1, axis=0)[:, None]
    sides = np.cos(angle) * corners[:, None] + np.sin(angle) * following
    return sides.reshape(-1, corners.shape[1])


def rectangle(corners: ArrayLike, rows: int = 8, columns: int = 8) -> np.ndarray:
    """Fills the rectangle between four points; its edges are straight lines between neighbors.

    Args:
        corners: Latents `[4, d]`: top left, top right, bottom right, bottom left, as `circuit`
            passes them.
        rows: Points from top to bottom, at least 2.
        columns: Points from left to right, at least 2.

    Returns:
        Float32 `[rows * columns, d]`, row after row.
    """
    corners = np.asarray(corners, np.float32)
    if corners.ndim != 2 or len(corners) != 4:
        raise InputError(f"`corners` must be [4, d]; received {list(corners.shape)}")
    top_left, top_right, bottom_right, bottom_left = corners[:, None]
    return lines(lines(top_left, bottom_left, rows), lines(top_right, bottom_right, rows), columns)
