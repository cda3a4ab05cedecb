"""Draws 3,000 pictures of ten symbols, a small data set that needs no download.

    python benchmarks/draw_symbols.py symbols
    keras-gan train --dataset symbols/

White on black, 28x28, in class folders; each turned, shifted and scaled at random. The symbols are
from the font DejaVu Sans, which comes with Matplotlib.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SYMBOLS = {
    "heart": "\N{BLACK HEART SUIT}",
    "spade": "\N{BLACK SPADE SUIT}",
    "club": "\N{BLACK CLUB SUIT}",
    "star": "\N{BLACK STAR}",
    "phone": "\N{BLACK TELEPHONE}",
    "snowman": "\N{SNOWMAN}",
    "knight": "\N{BLACK CHESS KNIGHT}",
    "rook": "\N{BLACK CHESS ROOK}",
    "note": "\N{BEAMED EIGHTH NOTES}",
    "scissors": "\N{BLACK SCISSORS}",
}
SIDE, DRAWN = 28, 84  # pixels of a picture, and as it is drawn, before it is shrunk


def draw(symbol: str, rng: np.random.Generator) -> Image.Image:
    """A picture of the symbol."""
    font = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")
    image = Image.new("L", (DRAWN, DRAWN))
    pen = ImageDraw.Draw(image)
    sized = ImageFont.truetype(font, int(rng.integers(50, 74)))
    left, top, right, bottom = pen.textbbox((0, 0), symbol, font=sized)
    x, y = (DRAWN - right - left) / 2, (DRAWN - bottom - top) / 2
    pen.text((x + rng.integers(-8, 9), y + rng.integers(-8, 9)), symbol, font=sized, fill=255)
    turned = image.rotate(rng.uniform(-25, 25))
    return turned.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, default=300, help="pictures of each symbol")
    options = parser.parse_args(argv)
    rng = np.random.default_rng(0)
    for name, symbol in SYMBOLS.items():
        folder = options.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(options.each):
            draw(symbol, rng).save(folder / f"{number}.png")


if __name__ == "__main__":
    main()
