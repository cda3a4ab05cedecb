"""What each number notices: pictures of CIFAR-10 that were changed in known ways, as if generated.

    TFDS_DATA_DIR=... python benchmarks/what_numbers_notice.py [--pictures 5000] [--data cifar10]

Prints a Markdown table. Each row compares training pictures, changed as it says, with as many test
pictures; the first, unchanged, is the floor. A number in bold lies more than three standard errors
from the floor's (both errors together), so that it notices the change.
"""

import argparse
import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image
from rich.progress import track
from scipy import ndimage

from keras_gan import data
from keras_gan.evaluation import distances, features

COLUMNS = ("frechet", *distances.OVERLAPS)
Changed = Callable[[np.ndarray, np.ndarray], np.ndarray]


def as_bytes(x: np.ndarray) -> np.ndarray:
    return np.clip(np.round(x), 0, 255).astype(np.uint8)


def blurred(x: np.ndarray, sd: float) -> np.ndarray:
    return as_bytes(ndimage.gaussian_filter(x.astype(np.float32), (0, sd, sd, 0)))


def noisy(x: np.ndarray, sd: float) -> np.ndarray:
    return as_bytes(x + np.random.default_rng(0).normal(0, 255 * sd, x.shape))


def compressed(x: np.ndarray, quality: int) -> np.ndarray:
    def one(picture: np.ndarray) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(picture.squeeze()).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer)).reshape(picture.shape)

    return np.stack([one(picture) for picture in x])


def shifted(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x[:, :, :1], x[:, :, :-1]], axis=2)


CHANGES: dict[str, Changed] = {
    "unchanged": lambda x, y: x,
    "blurred, sd 0.5 pixels": lambda x, y: blurred(x, 0.5),
    "blurred, sd 1 pixel": lambda x, y: blurred(x, 1.0),
    "noise, sd 0.05 of the range": lambda x, y: noisy(x, 0.05),
    "noise, sd 0.1": lambda x, y: noisy(x, 0.1),
    "JPEG, quality 75": lambda x, y: compressed(x, 75),
    "JPEG, quality 30": lambda x, y: compressed(x, 30),
    "mirrored left to right": lambda x, y: x[:, :, ::-1],
    "upside down": lambda x, y: x[:, ::-1],
    "shifted by a pixel": lambda x, y: shifted(x),
    "0.8 times as bright": lambda x, y: as_bytes(0.8 * x),
    "gray": lambda x, y: as_bytes(x.mean(axis=-1, keepdims=True) * np.ones(x.shape[-1])),
    "one of ten classes missing": lambda x, y: x[y != 3],
    "five of ten classes missing": lambda x, y: x[y < 5],
    "a tenth of them, ten times each": lambda x, y: np.repeat(x[: len(x) // 10], 10, axis=0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--features", default="efficientnet_lite0")
    options = parser.parse_args()
    loaded = data.load(options.data)
    network, n = features.load(options.features), options.pictures
    real = network.features(loaded.test.x[:n])
    rows = {}
    for name, change in track(CHANGES.items(), "Changing the pictures"):
        # More than needed, because some changes leave pictures out.
        x = change(loaded.train.x[: 3 * n], loaded.train.y[: 3 * n])[:n]
        rows[name] = distances.compare(real, network.features(x))
    print(f"{n:,} pictures, {network.name}, {loaded.name}\n")
    titles = ["pictures", *COLUMNS, "KID x 1000"]
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    floor = rows["unchanged"]
    for name, row in rows.items():
        cells = [_cell(row, floor, column) for column in COLUMNS]
        print("| " + " | ".join([name, *cells, f"{1000 * row['kid']['distance']:.2f}"]) + " |")


def _cell(row: dict, floor: dict, column: str) -> str:
    values = [
        part["frechet"]["distance"] if column == "frechet" else part["precision_recall"][column]
        for part in (row, floor)
    ]
    error = math.hypot(*(part["standard_errors"][column] for part in (row, floor)))
    text = format(values[0], ".1f" if column == "frechet" else ".3f")
    return f"**{text}**" if abs(values[0] - values[1]) > 3 * error else text


if __name__ == "__main__":
    main()
