"""Options for a user's pictures."""

from __future__ import annotations

import dataclasses
import re

from keras_gan.core.errors import InputError
from keras_gan.core.settings import Checked, setting

SIDES = range(2, 1025)


@dataclasses.dataclass(frozen=True)
class PictureOptions(Checked):
    """Size, channels and classes of pictures; the settings of a recipe may inherit them."""

    size: str = setting(
        "auto",
        "size of the pictures: a number, WIDTHxHEIGHT or auto: the size that all have, up to 128, "
        "or the largest of 32, 48, 64, 96 and 128 that most reach",
    )
    crop: str = setting(
        "center",
        "how pictures of another aspect ratio are cropped: center, random (fixed for a file name) "
        "or none (padded)",
        choices=("center", "random", "none"),
    )
    channels: int = setting(
        0,
        "1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha; 0: by what the pictures have",
        least=0,
        most=4,
    )
    alpha: str = setting(
        "keep",
        "transparency: keep it as a channel, or a color to put behind and to pad with, such as "
        "black",
    )
    flip: str = setting(
        "auto",
        "learn from mirror images too: on, off or auto: unless the pictures look like writing",
        choices=("auto", "on", "off"),
    )
    classes: str = setting(
        "auto",
        "classes: none, labels that the data set comes with, folders, a CSV file of file names and "
        "classes, StyleGAN's dataset.json, or auto: labels, or dataset.json if there is one, or "
        "folders if all pictures are in some",
    )
    skip_broken: bool = setting(False, "leave out files that cannot be used")

    def __post_init__(self) -> None:
        """Checks the size and the color besides."""
        if isinstance(self.size, int):  # as one writes it in Python
            object.__setattr__(self, "size", str(self.size))
        super().__post_init__()
        self.pixels  # noqa: B018
        if self.ground is not None and self.channels in (2, 4):
            raise InputError(
                f"--alpha {self.alpha} puts a color behind transparent parts, and --channels "
                f"{self.channels} keeps them; leave out one of the two"
            )

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Height and width, or None where the pictures decide."""
        if self.size == "auto":
            return None
        match = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", self.size)
        width, height = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if width not in SIDES or height not in SIDES:
            raise InputError(
                f"--size must be a number such as 64, WIDTHxHEIGHT such as 64x48, or auto; from "
                f"{SIDES[0]} to {SIDES[-1]} pixels. Received: {self.size!r}"
            )
        return height, width

    @property
    def ground(self) -> tuple[int, int, int] | None:
        """The color behind transparent parts, RGB, or None where transparency is kept."""
        if self.alpha == "keep":
            return None
        from PIL import ImageColor

        try:
            return ImageColor.getrgb(self.alpha)[:3]
        except ValueError as error:
            raise InputError(
                "--alpha must be keep, or a color such as white or #ff8000. Received: "
                f"{self.alpha!r}"
            ) from error
