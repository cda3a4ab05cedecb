"""One file of a picture: what its header says, and its pixels as they are wanted."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from keras_gan.core.errors import first_line
from keras_gan.data.dataset import from_16_bits
from keras_gan.data.pictures.fitting import Fit
from keras_gan.data.pictures.sources import HEIC, Opener

if TYPE_CHECKING:
    from PIL import Image, ImageFile

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_GRAY = {"1", "L", "LA", "La", "I;16", "I;16L", "I;16B"}
_GRAY_AS_RGB = "LA;16B"  # gray and alpha of 16 bits in a PNG file, which Pillow opens as RGBA
_ALPHA = {"LA", "La", "PA", "RGBA", "RGBa"}
_TURNED = range(5, 9)  # values of the camera's orientation tag that exchange width and height
_ORIENTATION = 0x0112


class Unusable(Exception):
    """A file is no picture that can be used; the text says why."""


@dataclasses.dataclass(frozen=True)
class Header:
    """The header of a picture, read before its pixels.

    Attributes:
        format: Pillow's name of its format.
        height: Its height, upright.
        width: Its width, upright.
        color: Whether it may have colors.
        alpha: Whether it may have transparent parts.
        more: Whether other frames or pages follow, which are not used.
    """

    format: str
    height: int
    width: int
    color: bool
    alpha: bool
    more: bool


@dataclasses.dataclass(frozen=True)
class Plan:
    """The plan for a picture: its size and channels.

    Attributes:
        fit: Its size, and how other proportions are treated.
        channels: 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha).
        ground: RGB color behind transparent parts; without effect where alpha is kept.
    """

    fit: Fit
    channels: int
    ground: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a picture, `(h, w, c)`."""
        return self.fit.height, self.fit.width, self.channels

    @property
    def colors(self) -> int:
        """Channels besides alpha."""
        return self.channels - (self.channels in (2, 4))


@contextmanager
def strict() -> Iterator[None]:
    """Within it Pillow refuses pictures of more pixels than it deems safe, and does not warn.

    It sets the filters of warnings, which all threads share: enter it before they start.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def read_header(opener: Opener, look_for_alpha: bool) -> Header:
    """The header; whether any part is transparent is looked up in the pixels, if asked for.

    Raises:
        Unusable: The file is damaged, or nothing of its kind can be used.
    """
    with _opened(opener) as image:
        alpha = _has_alpha(image)
        width, height = image.size
        # Without "exif", Pillow would decode a whole PNG file in search of the tag. Of TIFF files
        # it gives the upright size.
        has_tag = "exif" in image.info and image.format != "TIFF"
        if has_tag and image.getexif().get(_ORIENTATION) in _TURNED:
            width, height = height, width
        is_gray = image.mode in _GRAY or any(tile[3] == _GRAY_AS_RGB for tile in image.tile)
        color, kind = not is_gray, str(image.format)
        if alpha and look_for_alpha:
            alpha = np.asarray(_plain(image).convert("RGBA"))[..., 3].min() < 255
        return Header(kind, height, width, color, alpha, _goes_on(image))


def _goes_on(image: ImageFile.ImageFile) -> bool:
    """Whether there is more than one frame; to find out may move to the second."""
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # damage behind the first frame, which alone is used
        return False


def decode(opener: Opener, plan: Plan, name: str) -> np.ndarray:
    """The upright picture, uint8 `[h, w, c]` of the plan's shape; 16 bits a channel become 8.

    Args:
        opener: Opens the file.
        plan: The size and channels that the picture gets.
        name: Its name, which fixes the place where a random crop cuts.

    Raises:
        Unusable: The file is damaged.
    """
    from PIL import Image, ImageOps

    with _opened(opener) as file:
        # JPEG files are decoded at 1/2, 1/4 or 1/8 of their size where that is still large enough.
        side = 2 * max(plan.fit.height, plan.fit.width)
        file.draft(None, (side, side))
        image = _plain(ImageOps.exif_transpose(file))
        if plan.fit.crop == "none":  # what is padded may have a color, or be transparent
            image = image.convert("RGBA")
        kept = plan.colors < plan.channels
        padding = (*plan.ground, 0 if kept else 255)
        image = plan.fit(image, padding, name)
        if image.mode in _ALPHA and not kept:
            ground = Image.new("RGBA", image.size, padding)
            image = Image.alpha_composite(ground, image.convert("RGBA"))
        pixels = np.asarray(image.convert(MODES[plan.channels]))
        return pixels.reshape(plan.shape)


def _plain(image: Image.Image) -> Image.Image:
    """The picture in a mode of 8 bits a channel: L, LA, RGB or RGBA."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        pixels = np.asarray(image)
        plain = Image.fromarray(from_16_bits(pixels))
        if "transparency" in image.info:  # the gray value that is transparent
            opaque = pixels != image.info["transparency"]
            plain.putalpha(Image.fromarray(opaque.astype(np.uint8) * 255))
        return plain
    if _has_alpha(image):
        return image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
    if image.mode in _GRAY:
        return image.convert("L")
    return image.convert("RGB")


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in _ALPHA or "transparency" in image.info


@contextmanager
def _opened(opener: Opener) -> Iterator[ImageFile.ImageFile]:
    """The first frame of a picture that is large enough and has a scale; `Unusable` otherwise."""
    from PIL import Image, UnidentifiedImageError

    try:
        with opener() as file, _open(file) as image:
            if image.format == "EPS":  # a program, which Pillow would let Ghostscript run
                raise Unusable("it is a PostScript file; save it as a picture, such as PNG")
            if min(image.size) < 2:
                raise Unusable(f"it has {image.width} x {image.height} pixels")
            if image.mode in ("I", "F"):
                raise Unusable(
                    "it has 32 bits a channel, or negative values; save it with 8 or 16 bits, 0 "
                    "for black"
                )
            yield image
    except Unusable:
        raise
    except UnidentifiedImageError as error:
        raise Unusable("it is no picture that Pillow can read, or damaged") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        most = f"{Image.MAX_IMAGE_PIXELS:,}"
        raise Unusable(f"it has more than {most} pixels; make it smaller") from error
    except Exception as error:  # damaged files make Pillow raise exceptions of many kinds
        if isinstance(error, OSError) and error.strerror:
            raise Unusable(f"it cannot be read: {error.strerror}") from error
        raise Unusable(f"it is damaged: {first_line(error)}") from error


def _open(file: BinaryIO) -> ImageFile.ImageFile:
    from PIL import Image, UnidentifiedImageError

    readable = not file.read(12).startswith(HEIC, 4) or reads_heic()
    file.seek(0)
    try:
        return Image.open(file)
    except UnidentifiedImageError:
        if readable:
            raise
        raise Unusable("HEIC files need the package pillow-heif: pip install pillow-heif") from None


def reads_heic() -> bool:
    """Whether Pillow reads HEIC files, which phones write; it needs a package that is optional."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True
