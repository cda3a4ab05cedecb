"""Pictures that no other room draws: likelihood by bandwidth, D's distance from D*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_gan.evaluation.likelihood import LogLikelihood
from keras_gan.pictures import plots


def bandwidth_curves(rows: Mapping[str, LogLikelihood]) -> np.ndarray:
    """The validation likelihood under each bandwidth of the grid, a curve for each row.

    Returns:
        uint8 `[height, width, 3]`.
    """
    figure = plots.new_figure(6, 3.6)
    axes = figure.subplots()
    for (name, row), colour in zip(rows.items(), (plots.BLUE, plots.ORANGE), strict=True):
        axes.plot(row.grid, row.validation_means, "o-", color=colour, label=name, markersize=4)
    best = max(max(row.validation_means) for row in rows.values())
    axes.set(
        xscale="log",
        xlabel="bandwidth",
        ylabel="nats, validation images",
        ylim=(best - 600, best + 50),
    )
    axes.legend(frameon=False)
    plots.tidy(axes)
    return plots.as_picture(figure)


def distances_from_optimum(series: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """How far D is from D*, and D* from 1/2, in the phases of Figure 1.

    Args:
        series: One entry for each look, in order: "step", "panel", "discriminator_error",
            "optimal_from_half" and "optimal_standard_error", as `keras_gan.figure_1` writes them.

    Returns:
        uint8 `[height, width, 3]`. Steps are looks, not to scale: the phases differ in length.
    """
    figure = plots.new_figure(6.4, 3.4)
    axes = figure.subplots()
    looks = np.arange(len(series))
    for column, label, colour in (
        ("discriminator_error", "D to D*", plots.BLUE),
        ("optimal_from_half", "D* to 1/2", plots.ORANGE),
        ("optimal_standard_error", "standard error of D*", plots.GREY),
    ):
        axes.plot(looks, [row[column] for row in series], color=colour, lw=1.5, label=label)
    panels = [row["panel"] for row in series]
    ends = [i for i in looks if i + 1 == len(series) or panels[i + 1] != panels[i]]
    for end, begin in zip(ends, [0, *ends[:-1]], strict=True):
        axes.axvline(end, color=plots.GREY, lw=0.8, ls=":")
        axes.text((begin + end) / 2, 1.02, panels[end][:3], transform=axes.get_xaxis_transform())
    axes.set_xticks(ends, [str(series[end]["step"]) for end in ends], rotation=30)
    axes.set(yscale="log", ylim=(1e-3, 1.5))
    axes.set(xlabel="step at each phase's end", ylabel="largest distance")
    axes.legend(frameon=False, fontsize=9)
    plots.tidy(axes)
    return plots.as_picture(figure)
