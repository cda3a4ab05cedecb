"""The picture that no other room draws: likelihood by bandwidth."""

from __future__ import annotations

from collections.abc import Mapping

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
