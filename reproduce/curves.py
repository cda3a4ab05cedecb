"""Pictures of results alone: of bandwidths, of D's distance from D*, of efficiency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_gan.evaluation import published
from keras_gan.evaluation.likelihood import LogLikelihood
from keras_gan.plotting import curves

_PUBLISHED = ("Adversarial nets", "GMMN+AE")  # whose likelihood a dotted line shows
_SHOWN_NATS = 300  # below the best


def bandwidth_curves(rows: Mapping[str, LogLikelihood]) -> np.ndarray:
    """The validation likelihood under each bandwidth of the grid, a curve for each row.

    Returns:
        uint8 `[height, width, 3]`.
    """
    figure = curves.new_figure(6, 3.6)
    axes = figure.subplots()
    for (name, row), color in zip(rows.items(), (curves.BLUE, curves.ORANGE), strict=True):
        axes.plot(row.grid, row.validation_means, "o-", color=color, label=name, markersize=4)
    best = max(max(row.validation_means) for row in rows.values())
    axes.set(
        xscale="log",
        xlabel="bandwidth",
        ylabel="nats, validation images",
        ylim=(best - 600, best + 50),
    )
    axes.legend(frameon=False)
    curves.tidy(axes)
    return curves.as_picture(figure)


def distances_from_optimum(series: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """How far D is from D*, and D* from 1/2, in the phases of Figure 1.

    Args:
        series: One entry for each look, in order: "step", "panel", "discriminator_error",
            "optimal_from_half" and "optimal_standard_error", as Figure 1's command writes them.

    Returns:
        uint8 `[height, width, 3]`. Steps are looks, not to scale: the phases differ in length.
    """
    figure = curves.new_figure(6.4, 3.4)
    axes = figure.subplots()
    looks = np.arange(len(series))
    for column, label, color in (
        ("discriminator_error", "D to D*", curves.BLUE),
        ("optimal_from_half", "D* to 1/2", curves.ORANGE),
        ("optimal_standard_error", "standard error of D*", curves.GRAY),
    ):
        axes.plot(looks, [row[column] for row in series], color=color, lw=1.5, label=label)
    panels = [row["panel"] for row in series]
    ends = [i for i in looks if i + 1 == len(series) or panels[i + 1] != panels[i]]
    for end, begin in zip(ends, [0, *ends[:-1]], strict=True):
        axes.axvline(end, color=curves.GRAY, lw=0.8, ls=":")
        axes.text((begin + end) / 2, 1.02, panels[end][:3], transform=axes.get_xaxis_transform())
    axes.set_xticks(ends, [str(series[end]["step"]) for end in ends], rotation=30)
    axes.set(yscale="log", ylim=(1e-3, 1.5))
    axes.set(xlabel="step at each phase's end", ylabel="largest distance")
    axes.legend(frameon=False, fontsize=9)
    curves.tidy(axes)
    return curves.as_picture(figure)


def efficiency_curves(
    rows: Sequence[Mapping[str, Any]], panels: Mapping[str, Sequence[str]], levels: Sequence[float]
) -> np.ndarray:
    """Validation likelihood along training; the first row, the recipe, is in every panel.

    Args:
        rows: "variant", "seed", and "looks" with "updates", "raw" and "ema", as
            `reproduce.efficiency` makes them.
        panels: Variants of each panel, at most four, by its title; those with other seeds get
            one more, without raw weights.
        levels: Likelihoods to mark, nats.

    Returns:
        uint8 `[height, width, 3]`.
    """
    recipe = rows[0]
    again = {row["variant"] for row in rows if row["seed"] != recipe["seed"]}
    drawn = {
        title: [row for row in rows if row["variant"] in names and row["seed"] == recipe["seed"]]
        for title, names in panels.items()
    }
    drawn["several seeds"] = [row for row in rows if row["variant"] in again and row is not recipe]
    columns = math.ceil(math.sqrt(len(drawn)))
    height = math.ceil(len(drawn) / columns)
    figure = curves.new_figure(4.2 * columns, 4.1 * height)
    grid = figure.subplots(height, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (title, lines) in zip(grid.flat, drawn.items(), strict=False):
        free = iter(("black", curves.BLUE, curves.ORANGE, curves.GREEN, curves.RED))
        colors: dict[str, str] = {}
        for row in [recipe, *lines]:
            name = row["variant"]
            label = None if name in colors else name
            color = colors[name] = colors.get(name) or next(free)
            kinds = [("ema", "-", label), ("raw", ":", None)]
            for kind, style, shown in kinds[:1] if title == "several seeds" else kinds:
                known = [look for look in row["looks"] if look[kind] is not None]
                points = [[look[column] for look in known] for column in ("updates", kind)]
                axes.plot(*points, style, color=color, lw=1.3, label=shown)
        for level in levels:
            axes.axhline(level, color=curves.GRAY, lw=0.8)
        axes.set_title(title, fontsize=10)
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.08))
        curves.tidy(axes)
    for axes in grid.flat[len(drawn) :]:
        axes.remove()
    ema = [look["ema"] for row in rows for look in row["looks"]]
    top = max((nats for nats in ema if nats is not None), default=0.0)
    grid[0, 0].set_ylim(top - _SHOWN_NATS, top + 15)
    figure.supxlabel("updates of G", fontsize=10)
    figure.supylabel("nats, validation images", fontsize=10)
    return curves.as_picture(figure)


def likelihood_against_recall(
    lines: Mapping[str, Sequence[Mapping[str, Any]]], generators: Sequence[Mapping[str, Any]]
) -> np.ndarray:
    """Nats against recall: images that were smoothed more and more, and trained generators.

    Args:
        lines: Rows with "mean" and "recall" that a line joins, in order, by its name; five lines.
        generators: Rows of generators.

    Returns:
        uint8 `[height, width, 3]`.
    """
    figure = curves.new_figure(7.2, 4.6)
    axes = figure.subplots()
    colors = (curves.ORANGE, curves.GREEN, curves.RED, "black", curves.GRAY)
    for (name, rows), color in zip(lines.items(), colors, strict=True):
        points = [[row[column] for row in rows] for column in ("recall", "mean")]
        axes.plot(*points, "o-", color=color, markersize=5, label=name)
    means = [[row[column] for row in generators] for column in ("recall", "mean")]
    axes.plot(*means, "x", color=curves.BLUE, markersize=6, label="other generators here")
    for row in (*published.TABLE_1, *published.LATER):
        if row.model in _PUBLISHED and row.mnist is not None:
            axes.axhline(row.mnist.mean, color=curves.GRAY, lw=1, ls=":")
            place = (0.0, row.mnist.mean)
            axes.annotate(
                f"{row.model}, published: {row.mnist}",
                place,
                (2, -10),
                fontsize=8,
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
            )
    axes.set(xlabel="recall", ylabel="nats, test images")
    axes.legend(frameon=False, fontsize=8)
    curves.tidy(axes)
    return curves.as_picture(figure)
