"""Figure 1 of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError
from keras_gan.plotting.curves import BLUE, GRAY, GREEN, ORANGE, as_picture, new_figure


@dataclass(frozen=True)
class Panel:
    """One panel of Figure 1.

    Attributes:
        title: The line above it.
        x: Points of the axis, increasing, `[k]`.
        p_data: Density of the data there, `[k]`.
        p_g: Density of the generator there, `[k]`.
        discriminator: D there, in [0, 1], `[k]`.
        optimal: D* there, equation (2), `[k]`.
        z: Latents whose images are drawn, increasing, `[a]`: equal shares of the prior between
            neighbors look best, and about 25.
        generated: `G(z)` of each, `[a]`.
    """

    title: str
    x: ArrayLike
    p_data: ArrayLike
    p_g: ArrayLike
    discriminator: ArrayLike
    optimal: ArrayLike
    z: ArrayLike
    generated: ArrayLike


def figure_1(panels: Sequence[Panel]) -> np.ndarray:
    """Figure 1: densities and D above, the map from z to x beneath.

    All panels share their scales, and a panel drawn alone has the size and scale of any other with
    the same data, so that pictures of one panel each are the frames of an animation.

    Args:
        panels: From left to right.

    Returns:
        uint8 `[height, width, 3]`.

    Raises:
        InputError: For no panels, or arrays of several lengths in one.
    """
    if not panels:
        raise InputError("`panels` must hold at least one panel")
    for panel in panels:
        _check(panel)
    figure = new_figure(3.1 * len(panels) + 0.6, 4.1)
    rows = figure.subplots(2, len(panels), height_ratios=(3, 1.1), squeeze=False)
    top = 1.5 * max(float(np.max(panel.p_data)) for panel in panels)
    z_range = (
        min(float(np.min(panel.z)) for panel in panels),
        max(float(np.max(panel.z)) for panel in panels),
    )
    for i, panel in enumerate(panels):
        first, last = i == 0, i == len(panels) - 1
        drawn = _densities(rows[0, i], panel, top, first, last)
        _map(rows[1, i], panel, z_range, first)
    figure.legend(
        handles=drawn,
        loc="outside upper center",
        ncols=2 if len(panels) == 1 else 4,
        frameon=False,
        fontsize=10,
    )
    return as_picture(figure)


def _densities(axes: Axes, panel: Panel, top: float, first: bool, last: bool) -> list[Line2D]:
    x = np.asarray(panel.x)
    drawn = axes.plot(x, panel.p_data, ":", color="black", lw=2, label="$p_{data}$", zorder=3)
    drawn += axes.plot(x, panel.p_g, "-", color=GREEN, lw=2, label="$p_g$")
    axes.set(xlim=(x[0], x[-1]), ylim=(0, top))
    axes.locator_params(axis="x", nbins=5)
    axes.set_title(panel.title, fontsize=10)
    axes.spines["top"].set_visible(False)
    # D has a scale of its own, at the right.
    of_d = axes.twinx()
    drawn += of_d.plot(x, panel.optimal, "-", color=ORANGE, lw=1.5, label="$D^*$, equation (2)")
    drawn += of_d.plot(x, panel.discriminator, "--", color=BLUE, lw=1.8, label="$D$")
    of_d.axhline(0.5, color=GRAY, lw=0.8, ls=":")
    of_d.set(ylim=(0, 1.05), yticks=[0, 0.5, 1] if last else [])
    of_d.spines["top"].set_visible(False)
    for scale in (axes, of_d):
        scale.tick_params(labelsize=9)
    if first:
        axes.set_ylabel("density", fontsize=9)
    else:
        axes.set_yticks([])
    if last:
        of_d.set_ylabel("D(x)", fontsize=9, color=BLUE)
    return drawn


def _map(axes: Axes, panel: Panel, z_range: tuple[float, float], first: bool) -> None:
    """Arrows from z, spread over the lower line, to G(z) on the upper, which is the x axis."""
    x, z = np.asarray(panel.x, np.float64), np.asarray(panel.z, np.float64)
    share = (z - z_range[0]) / max(z_range[1] - z_range[0], np.finfo(float).tiny)
    start = x[0] + (0.05 + 0.9 * share) * (x[-1] - x[0])
    for tail, head in zip(start, np.asarray(panel.generated), strict=True):
        inside = x[0] <= head <= x[-1]
        axes.annotate(
            "",
            xy=(head, 1),
            xytext=(tail, 0),
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-|>,head_width=0.12,head_length=0.25",
                "color": GREEN if inside else "none",
                "lw": 0.7,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
    axes.hlines([0, 1], x[0], x[-1], color="black", lw=1)
    axes.set(xlim=(x[0], x[-1]), ylim=(-0.05, 1.05), xticks=[], yticks=[])
    if first:
        axes.set_yticks([0, 1], ["z", "x"])
        axes.tick_params(length=0, labelsize=10)
    axes.spines[:].set_visible(False)


def _check(panel: Panel) -> None:
    on_x = {
        np.shape(panel.x),
        np.shape(panel.p_data),
        np.shape(panel.p_g),
        np.shape(panel.discriminator),
        np.shape(panel.optimal),
    }
    if len(on_x) > 1 or np.ndim(panel.x) != 1 or np.size(panel.x) < 2:
        raise InputError(f"panel {panel.title!r}: the curves must be [k] each; received {on_x}")
    if np.shape(panel.z) != np.shape(panel.generated) or np.ndim(panel.z) != 1:
        raise InputError(
            f"panel {panel.title!r}: `z` and `generated` must be [a] both; "
            f"received {np.shape(panel.z)} and {np.shape(panel.generated)}"
        )
