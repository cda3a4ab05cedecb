"""The headers of all pictures, and the plan that follows from them."""

from __future__ import annotations

import collections
import threading
from collections.abc import Collection

from keras_gan.data.pictures.decoding import Header, Plan, Unusable, read_header, strict
from keras_gan.data.pictures.fitting import Fit
from keras_gan.data.pictures.options import PictureOptions
from keras_gan.data.pictures.parallel import each
from keras_gan.data.pictures.sources import Opener, Source

SIZES = (32, 48, 64, 96, 128)  # among which the size is chosen
_WHITE = (255, 255, 255)  # behind transparent parts and around padded pictures, without a choice
_COLORS = {1: "gray", 2: "gray and alpha", 3: "RGB", 4: "RGB and alpha"}


def headers(source: Source) -> tuple[dict[str, Header], dict[str, str]]:
    """The headers of the pictures that can be used, and what is wrong with the others, by name.

    Of pictures that may have transparent parts, the pixels are read as well until one has some.
    """
    found = threading.Event()

    def header(opener: Opener) -> Header | str:
        try:
            header = read_header(opener, look_for_alpha=not found.is_set())
        except Unusable as error:
            return str(error)
        if header.alpha:
            found.set()
        return header

    usable, faults = dict[str, Header](), dict[str, str]()
    with strict():
        results = each(header, source.openers(), len(source.names), "Looking at the pictures")
        for name, result in zip(source.names, results, strict=True):
            if isinstance(result, Header):
                usable[name] = result
            else:
                faults[name] = result
    return usable, faults


def plan(headers: Collection[Header], options: PictureOptions) -> Plan:
    """The plan for the pictures, by the options and, where these leave it open, by the files."""
    height, width = options.pixels or _size(headers)
    ground = options.ground
    channels = options.channels or (
        (3 if any(header.color for header in headers) else 1)
        + (ground is None and any(header.alpha for header in headers))
    )
    return Plan(Fit(height, width, options.crop), channels, ground or _WHITE)


def describe(headers: Collection[Header], plan: Plan) -> list[str]:
    """Sentences about the files that were found and the pictures made of them."""
    formats = collections.Counter(header.format for header in headers).most_common()
    sizes = sorted({(header.width, header.height) for header in headers}, key=lambda s: s[0] * s[1])
    extent = " to ".join(f"{w}x{h}" for w, h in dict.fromkeys((sizes[0], sizes[-1])))
    height, width, channels = plan.shape
    lines = [
        f"{len(headers):,} pictures of {extent} pixels ("
        + ", ".join(f"{count:,} {name}" for name, count in formats)
        + ")",
        f"they become {width}x{height}, {_COLORS[channels]}, with 8 bits a channel",
    ]
    if sizes != [(width, height)]:
        lines[1] += f": {plan.fit.describe()}"
    if more := sum(header.more for header in headers):
        lines.append(f"files with several frames or pages: {more:,}; of each the first is used")
    if any(header.alpha for header in headers) and channels in (1, 3):
        lines.append(f"behind transparent parts is the color RGB {plan.ground}")
    return lines


def _size(headers: Collection[Header]) -> tuple[int, int]:
    """Height and width that all pictures have, up to the largest size; else a square."""
    shapes = {(header.height, header.width) for header in headers}
    if len(shapes) == 1 and max(shape := shapes.pop()) <= SIZES[-1]:
        return shape
    sides = sorted(min(header.height, header.width) for header in headers)
    reached = sides[(len(sides) - 1) // 2]  # by more than half of them
    side = max((size for size in SIZES if size <= reached), default=SIZES[0])
    return side, side
