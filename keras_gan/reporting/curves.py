"""Curves of `metrics.csv` as points of small drawings, for the template."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from keras_gan.reporting.measured import significant

# Columns that are drawn together; the others follow, each on its own.
_TOGETHER = {
    "Frechet distance to validation data": {"val_frechet_distance": "samples"},
    "Value of the game, V(D, G)": {"value": "training", "val_value": "validation"},
    "Mean outputs of D": {"d_real": "D(x)", "d_fake": "D(G(z))"},
    "Losses": {"d_loss": "D", "g_loss": "G"},
    "Validation log-likelihood, nats": {
        "val_log_likelihood": "weights as trained",
        "val_log_likelihood_ema": "EMA weights",
    },
    "Accuracy of D": {"d_real_accuracy": "on data", "d_fake_accuracy": "on samples"},
    "Lower bound of the Jensen-Shannon divergence": {"jsd_bound": "training"},
    "Warnings of the collapse monitor": {"warnings": "raised"},
    "Classes, modes or regions with samples": {"kinds_found": "found"},
    "Variance of the samples over the data's": {"sample_spread": "samples"},
}
_LEVELS = {
    "value": (-math.log(4), "-log 4, where no D can tell them apart"),
    "d_real": (0.5, "1/2, where no D can tell them apart"),
}
_POINTS = 400  # of a line, at most
_ALL_POINTS = 30_000  # of all lines, about, which take 400 kB
_LARGEST = float(np.finfo(np.float32).max)  # number that is drawn
WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, _TOP, _BOTTOM = 54, 342, 8, 178  # where lines are drawn; outside are labels


@dataclasses.dataclass(frozen=True)
class Line:
    """A line: what it is, its points as SVG's polyline takes them, its last value as text."""

    label: str
    points: str
    last: str


@dataclasses.dataclass(frozen=True)
class Panel:
    """A drawing of `WIDTH` x `HEIGHT`.

    Attributes:
        title: The title of the panel.
        lines: The lines.
        x_ticks: Places on the axis of epochs, and their labels.
        y_ticks: Places on the other axis, and their labels.
        level: Place of a level to compare with, or None.
        meaning: The meaning of that level.
    """

    title: str
    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    level: float | None
    meaning: str


Table = Mapping[str, Sequence[float]]


def panels(tables: Mapping[str, Table], equilibrium: bool = True) -> list[Panel]:
    """Panels of one run, a line for each column; or of several, a line for each run.

    Args:
        tables: Tables of epochs (`Run.metrics`), by the names of the runs.
        equilibrium: Whether it is known what D's outputs are where D cannot tell data and samples
            apart. Losses that ignore a constant added to them leave that open.
    """
    columns = dict.fromkeys(name for table in tables.values() for name in table)
    most = int(np.clip(_ALL_POINTS // max(1, sum(map(len, tables.values()))), 10, _POINTS))
    known = {name for group in _TOGETHER.values() for name in group} | {"epoch"}
    groups = _TOGETHER | {name: {name: name} for name in columns if name not in known}
    drawn = []
    for title, group in groups.items():
        if len(tables) == 1:
            (table,) = tables.values()
            lines = [(label, table, name) for name, label in group.items() if name in table]
            drawn.append(_panel(title, lines, equilibrium, most))
            continue
        for name, label in group.items():
            lines = [(run, table, name) for run, table in tables.items() if name in table]
            name_of_panel = title if label == title else f"{title}: {label}"
            drawn.append(_panel(name_of_panel, lines, equilibrium, most))
    return [panel for panel in drawn if panel is not None]


def _panel(
    title: str, lines: Sequence[tuple[str, Table, str]], equilibrium: bool, most_points: int
) -> Panel | None:
    """The panel of lines (label, table, column); None where no value was measured."""
    curves = []
    for label, table, name in lines:
        epochs, values = np.add(table["epoch"], 1.0), np.asarray(table[name], np.float64)
        measured = np.abs(values) <= _LARGEST  # not where one is NaN
        if measured.any():
            curves.append((label, epochs[measured], values[measured]))
    if not curves:
        return None
    level, meaning = _LEVELS.get(lines[0][2] if equilibrium else "", (None, ""))
    values = np.concatenate([v for _, _, v in curves] + ([] if level is None else [[level]]))
    last = max(epochs[-1] for _, epochs, _ in curves)
    least, most = float(values.min()), float(values.max())
    if least == most:
        least, most = least - abs(least or 1) / 2, most + abs(most or 1) / 2
    y_ticks = MaxNLocator(4).tick_values(least, most)
    whole = {round(t) for t in MaxNLocator(5, integer=True).tick_values(1, last)}
    x_ticks = sorted(t for t in whole if 0 < t <= last)
    low, high = y_ticks[0], y_ticks[-1]

    def x(epochs):
        return LEFT + (RIGHT - LEFT) * (epochs - 1) / max(1, last - 1)

    def y(values):
        return _BOTTOM - (_BOTTOM - _TOP) * (values - low) / (high - low)

    def line(label: str, epochs: np.ndarray, values: np.ndarray) -> Line:
        shown = np.linspace(0, len(values) - 1, min(most_points, len(values))).round().astype(int)
        places = list(zip(x(epochs[shown]), y(values[shown]), strict=True))
        if len(shown) == 1:  # a short line, that can be seen
            ((across, down),) = places
            places = [(across, down), (across + 8, down)]
        points = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
        return Line(label, points, significant(values[-1], 4))

    return Panel(
        title,
        tuple(line(*curve) for curve in curves),
        tuple((round(float(x(t)), 1), f"{t}") for t in x_ticks),
        tuple(zip((round(float(y(t)), 1) for t in y_ticks), _labels(y_ticks), strict=True)),
        None if level is None else round(float(y(level)), 1),
        meaning,
    )


def _labels(numbers: Sequence[float]) -> list[str]:
    """Numbers with as many decimals as tell them apart."""
    ticks = np.asarray(numbers)
    step = ticks[1] - ticks[0]
    decimals = next(
        (d for d in range(10) if np.all(abs(ticks - ticks.round(d)) < step / 100)), None
    )
    short = [f"{t:.4g}" for t in ticks]
    if decimals is None or (abs(ticks).max() >= 1e6 and len(set(short)) == len(ticks)):
        return short
    return [f"{t.round(decimals) + 0.0:.10g}" for t in ticks]
