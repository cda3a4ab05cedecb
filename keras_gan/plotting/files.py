"""Pictures to files, each in one piece or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_gan.core.errors import InputError
from keras_gan.core.files import write_atomically


def save_image(picture: np.ndarray, path: str | os.PathLike) -> None:
    """Writes a picture, uint8 `[height, width, 3]`, as PNG."""
    path = _checked(path, (".png",))
    _write(path, [_image(picture)])


def animate(
    frames: Iterable[np.ndarray | str | os.PathLike],
    path: str | os.PathLike,
    *,
    frame: int = 100,
    last: int = 1500,
) -> None:
    """Writes an endless animation: WebP, GIF, or animated PNG, which keeps every color.

    Args:
        frames: Pictures as for `save_image` or files that hold them, all of one size.
        path: The file, whose name ends in .webp, .gif or .png.
        frame: Milliseconds that each is shown for.
        last: Milliseconds that the last one is shown for.
    """
    path = _checked(path, (".webp", ".gif", ".png"))
    images = []
    for picture in frames:
        image = _image(picture)
        if path.suffix.lower() == ".gif":  # as Pillow would in the end, but frame by frame
            image = image.convert("P", palette=Image.Palette.ADAPTIVE)
        images.append(image)
    if len({image.size for image in images}) != 1:
        raise InputError(
            "`frames` must be at least one picture, all of one size; "
            f"received {len(images)} of sizes {sorted({image.size for image in images})}"
        )
    times = [frame] * (len(images) - 1) + [last]
    if len(images) > 1:
        _write(path, images, save_all=True, append_images=images[1:], duration=times, loop=0)
    else:
        _write(path, images)


def _checked(path: str | os.PathLike, endings: tuple[str, ...]) -> Path:
    path = Path(path)
    if path.suffix.lower() not in endings:
        raise InputError(f"a picture's file must end in {' or '.join(endings)}; received {path}")
    return path


def _image(picture: np.ndarray | str | os.PathLike) -> Image.Image:
    if isinstance(picture, (str, os.PathLike)):
        with Image.open(picture) as image:
            return image.convert("RGB")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise InputError(
            "a picture must be uint8 [height, width, 3]; "
            f"received {picture.dtype} {list(picture.shape)}"
        )
    return Image.fromarray(picture)


def _write(path: Path, images: list[Image.Image], **how: Any) -> None:
    encoded = io.BytesIO()
    images[0].save(encoded, format=path.suffix[1:].upper(), **how)
    write_atomically(path, encoded.getvalue())
