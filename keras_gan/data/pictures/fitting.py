"""One picture at the size that is wanted."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

FILTER = "Lanczos"  # Pillow widens its filters when it shrinks a picture: no aliasing
_GAP = 3.0  # large pictures are first averaged over whole pixels, to this times the size


@dataclasses.dataclass(frozen=True)
class Fit:
    """A size, and how pictures of other proportions are brought to it.

    Attributes:
        height: The height.
        width: The width.
        crop: "center" and "random" cut the longer side, "none" pads the shorter one.
    """

    height: int
    width: int
    crop: str

    def __call__(self, image: Image.Image, padding: tuple[int, ...], name: str) -> Image.Image:
        """The picture at this size.

        Args:
            image: Of 8 bits a channel.
            padding: RGBA color around a picture that is not cropped.
            name: Name that fixes where a random crop cuts.
        """
        size = (self.width, self.height)
        if image.size == size:
            return image
        if self.crop == "none":
            return self._padded(image, padding)
        scale = min(image.width / self.width, image.height / self.height)
        width = min(self.width * scale, image.width)
        height = min(self.height * scale, image.height)
        across, down = _place(name) if self.crop == "random" else (0.5, 0.5)
        left, top = across * (image.width - width), down * (image.height - height)
        return _resized(image, size, (left, top, left + width, top + height))

    def _padded(self, image: Image.Image, padding: tuple[int, ...]) -> Image.Image:
        from PIL import Image

        scale = min(self.width / image.width, self.height / image.height)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        ground = Image.new("RGBA", (self.width, self.height), padding).convert(image.mode)
        corner = (self.width - size[0]) // 2, (self.height - size[1]) // 2
        ground.paste(_resized(image, size), corner)
        return ground

    def describe(self) -> str:
        """The treatment of pictures of another size, in words."""
        ways = {
            "center": "cropped at the center",
            "random": "cropped at one random place each",
            "none": "padded",
        }
        return f"scaled without aliasing (Pillow's {FILTER} filter) and {ways[self.crop]}"


def _resized(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    from PIL import Image

    return image.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=_GAP)


def _place(name: str) -> tuple[float, float]:
    """Two numbers in [0, 1) that depend on the name alone."""
    digest = hashlib.blake2b(name.encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest[:4]) / 2**32, int.from_bytes(digest[4:]) / 2**32
