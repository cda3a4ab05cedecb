"""A grid of pictures in one PNG file."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image

from serving.files import replacing


def save_grid(path: Path, images: np.ndarray, columns: int | None = None, gap: int = 1) -> None:
    """Writes pictures side by side, row by row.

    Args:
        path: The file; written under a temporary name first.
        images: float [n, h, w, c] in [0, 1], c 1, 3 or 4.
        columns: Pictures in a row; None makes the grid about square.
        gap: Pixels between pictures.

    Raises:
        ValueError: These are no pictures.
        UsageError: The file cannot be written.
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"a grid is made of pictures [n, h, w, c] with 1, 3 or 4 channels. Received: "
            f"{list(images.shape)}"
        )
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    canvas = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8
    )
    for index, pixels in enumerate(np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        canvas[top : top + height, left : left + width] = pixels
    picture = Image.fromarray(canvas.squeeze(-1) if channels == 1 else canvas)
    with replacing(path) as partial:
        picture.save(partial, "PNG")
