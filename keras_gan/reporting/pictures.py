"""The pictures of a report, small enough to be parts of one file."""

from __future__ import annotations

import base64
import dataclasses
import functools
import io
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from keras_gan import plotting
from keras_gan.callbacks import SampleGrid
from keras_gan.conditioning import Classes
from keras_gan.core.errors import InputError, first_line
from keras_gan.data import DataSet
from keras_gan.experiment.drawings import images_of, with_nearest
from keras_gan.experiment.run import Run
from keras_gan.plotting.grids import enlargement
from keras_gan.reporting.facts import Facts

BUDGET = 3_300_000  # bytes of all pictures of a report, which base64 makes a third longer
_EPOCHS = 40  # pictures over time, at most
_OF_EPOCHS = 0.5  # of the budget: all pictures over time
_OF_PICTURE = 0.1  # of the budget: another picture
_SIDE = 800  # pixels: larger pictures over time are reduced
_LEAST_SIDE = 48  # pixels: a smaller picture is not reduced
_LINES, _STEPS = 5, 10
_NEIGHBORS = 8
_CLASSES, _OF_CLASS = 100, 8  # rows at most, samples of each
_QUALITIES = (100, 90, 75, 50, 20)  # WebP's; the first is without loss


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture as an address that holds it, its size on the screen, and what it shows.

    Attributes:
        source: The address.
        width: Its width on the screen, where there is room.
        height: Its height there.
        text: What it shows.
        is_sharp: Whether its pixels stay sharp in another size. Words lose strokes by that, so
            that -2 becomes 2.
    """

    source: str
    width: int
    height: int
    text: str
    is_sharp: bool = False


@dataclasses.dataclass(frozen=True)
class Pictures:
    """The pictures of a run; where one cannot be made, None, and the reason in `missing`.

    Attributes:
        samples: A grid of samples.
        epochs: The same samples over time.
        lines: Walks in a straight line between pairs of latents.
        neighbors: Samples, each with the nearest training example.
        classes: A row of samples for each class, empty without classes.
        missing: Why there is no picture, by name.
    """

    samples: Picture | None = None
    epochs: tuple[Picture, ...] = ()
    lines: Picture | None = None
    neighbors: Picture | None = None
    classes: tuple[Picture, ...] = ()
    missing: dict[str, str] = dataclasses.field(default_factory=dict)


def of_files(run: Run, budget: int = BUDGET) -> Pictures:
    """The pictures that training has drawn so far; no model is loaded.

    Args:
        run: The run.
        budget: Bytes that the pictures may take.
    """
    files = SampleGrid.files(run.path / "samples")
    of_epochs, most = budget * _OF_EPOCHS, _EPOCHS
    while True:
        # From the last one backwards, so that it is always among them.
        places = np.linspace(len(files) - 1, 0, min(most, len(files))).round().astype(int)
        limit = of_epochs / 2 if most == 1 else math.inf
        chosen = [files[place] for place in places[::-1]]
        epochs = tuple(_of_epoch(file, file.stat().st_mtime_ns, limit) for file in chosen)
        sources = [epoch.source for epoch in (*epochs, *epochs[-1:])]  # the last is shown twice
        if most == 1 or sum(map(len, sources)) * 3 / 4 <= of_epochs:
            return Pictures(samples=epochs[-1] if epochs else None, epochs=epochs)
        most //= 2


def of_models(
    run: Run, known: Facts, load_data: Callable[[], DataSet], budget: int = BUDGET
) -> Pictures:
    """All pictures of a finished run of images.

    Args:
        run: The run.
        known: The facts about it.
        load_data: Gives the data; called where a picture needs them.
        budget: Bytes that the pictures may take.
    """
    draw = _Drawing(run, known, functools.cache(load_data), budget * _OF_PICTURE)
    return dataclasses.replace(
        of_files(run, budget),
        samples=draw.samples(),
        lines=draw.lines(),
        neighbors=draw.neighbors(),
        classes=draw.classes(),
        missing=draw.missing,
    )


class _Drawing:
    def __init__(self, run: Run, known: Facts, load_data: Callable[[], DataSet], most: float):
        self._run, self._known, self._load_data, self._most = run, known, load_data, most
        self._weights = known.weights
        height, width, _ = known.shape
        tile = width * enlargement(height, width)
        self._columns = int(np.clip(_SIDE // tile, 3, 8))
        self.missing: dict[str, str] = {}

    def samples(self) -> Picture:
        n = self._columns**2
        images = self._run.samples(n, weights=self._weights)
        text = f"{n} samples, {self._known.weights_in_words}, seed 0"
        return self._grid(images, self._columns, text)

    def lines(self) -> Picture:
        run, steps = self._run, min(_STEPS, self._columns)
        ends = run.prior.sample(2 * _LINES, 1).numpy()
        latents = plotting.lines(ends[:_LINES], ends[_LINES:], steps)
        generator = run.generator(self._weights)
        images = images_of(generator, latents, run.preprocessing, run.condition, lines=_LINES)
        return self._grid(images, steps, "each row: G along a straight line between two latents")

    def neighbors(self) -> Picture | None:
        drawn = self._run.path / "neighbors.png"
        try:
            if drawn.is_file():
                text = "upper row: samples; lower row: the nearest training examples"
                return _encoded(_open(drawn), text, self._most)
            train = self._load_data().train.x
        except InputError as error:
            self.missing["neighbors"] = first_line(error)
            return None
        columns = min(_NEIGHBORS, self._columns)
        samples = self._run.samples(columns, seed=2, weights=self._weights)
        rows = with_nearest(samples, train, self._run.preprocessing)
        text = f"upper row: samples; lower row: the nearest of {len(train):,} training examples"
        return self._grid(rows, columns, text)

    def classes(self) -> tuple[Picture, ...]:
        condition = self._run.condition
        if not isinstance(condition, Classes):
            return ()
        count, columns = min(condition.count, _CLASSES), min(_OF_CLASS, self._columns)
        names = condition.class_names or self._class_names(condition.count)
        asked = np.repeat(np.arange(count), columns)
        images = self._run.samples(len(asked), weights=self._weights, condition=asked)
        if count < condition.count:
            self.missing["classes"] = f"the first {count} of {condition.count} classes are shown"
        rows = images.reshape(count, columns, *images.shape[1:])
        most = 2 * self._most / count
        return tuple(
            self._grid(row, columns, name, most) for row, name in zip(rows, names, strict=False)
        )

    def _class_names(self, count: int) -> tuple[str, ...]:
        try:
            names = self._load_data().label_names
        except InputError:
            names = None
        return names or tuple(f"class {i}" for i in range(count))

    def _grid(self, images: np.ndarray, columns: int, text: str, most: float = 0) -> Picture:
        picture = Image.fromarray(plotting.grid(images, columns))
        encoded = _encoded(picture, text, most or self._most)
        return dataclasses.replace(encoded, is_sharp=True)


@functools.lru_cache(maxsize=1000)
def _of_epoch(file: Path, changed: int, most: float) -> Picture:
    """A picture of training in `most` bytes, from a file that was `changed` at that time."""
    picture = _open(file)
    picture.thumbnail((_SIDE, _SIDE))
    text = f"epoch {int(file.stem.removeprefix('epoch-'))}"
    return _encoded(picture, text, most, _QUALITIES[2:])


def _open(file: Path) -> Image.Image:
    try:
        with Image.open(file) as picture:
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{file} cannot be read as a picture; move it away") from error


def _encoded(
    picture: Image.Image, text: str, most: float, qualities: tuple[int, ...] = _QUALITIES
) -> Picture:
    """A picture in the first of the qualities that takes `most` bytes; if none, half as large."""
    data, shown = picture, picture.size
    while True:
        for quality in qualities:
            file = io.BytesIO()
            lossless = quality == _QUALITIES[0]
            method = 1 if lossless else 4  # several times as fast as 4, and at most a tenth larger
            data.save(file, "WEBP", quality=quality, lossless=lossless, method=method)
            if len(file.getvalue()) <= most or max(data.size) < _LEAST_SIDE:
                source = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
                return Picture(source, *shown, text)
        data = data.reduce(2)
