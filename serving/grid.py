"""`keras-gan serve client`: draws images from a server and saves them as a grid (PNG)."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from serving.calls import MAX_VERSION
from serving.client import Client, ClientKeys
from serving.errors import ServingError
from serving.files import replacing
from serving.settings import Parser, at_least, path_name

_GAP = 1  # pixels between images
_MOST_IMAGES = 100_000  # of a grid


def save_grid(path: Path, images: np.ndarray) -> None:
    """Writes images row by row into one file, about square."""
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            "a grid shows images [n, h, w, c] with 1, 3 or 4 channels. Received: shape "
            f"{list(images.shape)}"
        )
    count, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    canvas = np.full(
        (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, channels), 255, np.uint8
    )
    for index, pixels in enumerate(np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)):
        top, left = (index // columns) * (height + _GAP), (index % columns) * (width + _GAP)
        canvas[top : top + height, left : left + width] = pixels
    grid = Image.fromarray(canvas.squeeze(-1) if channels == 1 else canvas)
    with replacing(path) as partial:
        grid.save(partial, "PNG")


def main(argv: Sequence[str]) -> int:
    """Draws images and saves the grid."""
    parser = Parser(
        prog="keras-gan serve client",
        description="Draw images from a server and save them as a grid (PNG).",
    )
    flag = parser.add_argument
    flag("url", help="grpc://host:port, grpcs://..., http://... or https://...")
    flag("--model", required=True, help="the model's name")
    flag(
        "--version",
        type=at_least(0, highest=MAX_VERSION),
        help="its version; without it, the latest",
    )
    flag("--label", help="the label of its version")
    flag("--count", type=at_least(1, highest=_MOST_IMAGES), default=64, help="how many images")
    flag("--seed", type=at_least(-(2**63), highest=2**63 - 1), default=0, help="the seed")
    text = "the class, or classes in turn"
    flag("--condition", type=at_least(0), nargs="+", metavar="CLASS", help=text)
    flag("--output", type=path_name, default=Path("samples.png"), help="the file")
    flag("--timeout", type=at_least(0.001, float), default=60.0, help="seconds for each batch")
    flag("--ca_file", type=path_name, help="the authority that signed the server's certificate")
    flag("--certificate_file", type=path_name, help="the client's own certificate")
    flag("--key_file", type=path_name, help="the key of that certificate")
    flags = parser.parse_args(argv)
    inputs = {}
    if flags.condition is not None:
        inputs["condition"] = np.resize(flags.condition, flags.count)
    try:
        with Client(
            flags.url,
            model=flags.model,
            version=flags.version,
            label=flags.label,
            timeout=flags.timeout,
            keys=ClientKeys(flags.ca_file, flags.certificate_file, flags.key_file),
        ) as client:
            images = client.generate(flags.count, flags.seed, **inputs)
        save_grid(flags.output, images)
    except (ServingError, OSError) as error:
        # TensorFlow's texts continue with the place in its graph.
        text, _, _ = str(error).partition("\n")
        print(f"{flags.url}: {text}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(images)} images of {flags.model} (seed {flags.seed}): {flags.output}")
    return 0
