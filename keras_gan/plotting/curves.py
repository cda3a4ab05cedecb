"""Curves and point clouds, drawn by matplotlib without a screen and without its global state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import ArrayLike

from keras_gan.core.errors import InputError

# Okabe and Ito's palette, which color-blind readers can tell apart.
BLUE, GREEN, ORANGE, RED, GRAY = "#0072B2", "#009E73", "#E69F00", "#D55E00", "#777777"
_DPI = 120
_APART = 0.1  # panels whose inner sides have labels, so that each is seen to be its own


def new_figure(width: float, height: float, *, apart: float = 0.02) -> Figure:
    """An empty figure of that many inches, its panels apart by a part of their width."""
    layout = ConstrainedLayoutEngine(wspace=apart)
    return Figure(figsize=(width, height), dpi=_DPI, layout=layout)


def as_picture(figure: Figure) -> np.ndarray:
    """Draws a figure: uint8 `[height, width, 3]`."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def tidy(axes: Axes) -> None:
    """Leaves out the frame's upper and right side."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def learning_curves(
    table: Mapping[str, Sequence[float]], *, equilibrium: bool = True
) -> np.ndarray:
    """V(D, G) and D's mean outputs along training, with their values at the equilibrium.

    A second axis reads V as (V + log 4) / 2, which bounds the Jensen-Shannon divergence from below
    (equation 3).

    Args:
        table: Columns of equal length: "epoch" counted from 0, "value", "d_real" and "d_fake" as
            `GAN.fit` logs them; where there was validation also the same with "val_" before them,
            "val_log_likelihood", and "val_log_likelihood_ema" for EMA weights. NaN where an epoch
            has no number. A likelihood gets a panel of its own.
        equilibrium: Whether to draw the values at the equilibrium, which are not known for losses
            that ignore a constant added to D's outputs.
    """
    needed = ("epoch", "value", "d_real", "d_fake")
    if missing := [name for name in needed if name not in table]:
        raise InputError(
            f"`table` lacks the columns {', '.join(missing)}; it has {', '.join(table)}"
        )
    likelihood = "val_log_likelihood" in table
    figure = new_figure(12.5 if likelihood else 9, 3.6, apart=_APART)
    value, output, *more = figure.subplots(1, 3 if likelihood else 2)
    curves = [
        (value, "value", "training", BLUE, "-"),
        (value, "val_value", "validation", BLUE, "--"),
        (output, "d_real", "D(x)", BLUE, "-"),
        (output, "val_d_real", "D(x), validation", BLUE, "--"),
        (output, "d_fake", "D(G(z))", GREEN, "-"),
        (output, "val_d_fake", "D(G(z)), validation", GREEN, "--"),
        *((axes, "val_log_likelihood", "raw weights", RED, "-") for axes in more),
        *((axes, "val_log_likelihood_ema", "EMA weights", ORANGE, "-") for axes in more),
    ]
    for axes, name, label, color, style in curves:
        if name in table:
            _curve(axes, table["epoch"], table[name], style, color=color, label=label)
    if equilibrium:
        for axes, level in ((value, -np.log(4)), (output, 0.5)):
            axes.axhline(level, color=GRAY, lw=1, ls=":")
    bound = value.secondary_yaxis(
        "right", functions=(lambda v: (v + np.log(4)) / 2, lambda b: 2 * b - np.log(4))
    )
    bound.set_ylabel("bound of the JSD, nats", fontsize=9)
    bound.spines["right"].set_visible(False)
    bound.tick_params(labelsize=9)
    value.set_title("V(D, G), nats" + equilibrium * "; equilibrium dotted", fontsize=10)
    output.set_title("mean output of the discriminator", fontsize=10)
    output.set_ylim(-0.03, 1.03)
    for axes in more:
        axes.set_title("Parzen log-likelihood, validation, nats", fontsize=10)
    for axes in (value, output, *more):
        axes.set_xlabel("epochs")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axes.legend(frameon=False, fontsize=9)
        tidy(axes)
    return as_picture(figure)


def _curve(
    axes: Axes, epoch: Sequence[float], numbers: Sequence[float], style: str, **look: Any
) -> None:
    done, heights = np.asarray(epoch, np.float64) + 1, np.asarray(numbers, np.float64)
    known = np.isfinite(heights)
    marker = "o" if known.sum() == 1 else None  # a line of one point is invisible
    fill = "none" if style == "--" else "full"
    axes.plot(done[known], heights[known], style, lw=1.5, marker=marker, fillstyle=fill, **look)


def scatter(
    points: ArrayLike,
    data: ArrayLike | None = None,
    *,
    title: str = "",
    limit: float | None = None,
) -> np.ndarray:
    """Two-dimensional samples over the data they should look like.

    Args:
        points: Samples `[n, 2]`.
        data: Data `[m, 2]`, drawn in gray beneath.
        title: A line above.
        limit: Both axes run from minus to plus this; by default as far as the data reaches
            (without data, the samples). Give it for the frames of an animation.
    """
    points = np.asarray(points, np.float64)
    shown = points if data is None else np.asarray(data, np.float64)
    for name, array in (("points", points), ("data", shown)):
        usable = array.ndim == 2 and array.shape[1] == 2 and array.size
        if not usable or not np.isfinite(array).all():
            raise InputError(
                f"`{name}` must be at least one finite point, [n, 2]; received {list(array.shape)}"
            )
    limit = limit or 1.25 * float(np.abs(shown).max()) or 1.0
    figure = new_figure(4.2, 4.4)
    axes = figure.subplots()
    if data is not None:
        axes.scatter(shown[:, 0], shown[:, 1], s=6, c="#BBBBBB", lw=0, label="data")
    axes.scatter(points[:, 0], points[:, 1], s=5, c=GREEN, alpha=0.5, lw=0, label="samples")
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", title=title)
    outside = float(np.mean(np.abs(points).max(axis=1) > limit))
    if outside >= 0.005:
        axes.collections[-1].set_label(f"samples ({outside:.0%} outside)")
    axes.legend(
        frameon=False,
        fontsize=9,
        loc="lower center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=2,
        markerscale=2.5,
    )
    tidy(axes)
    return as_picture(figure)


def reliability(
    means: ArrayLike, standard_errors: ArrayLike, dimensions: ArrayLike, errors: ArrayLike
) -> np.ndarray:
    """How reliable a Parzen likelihood is: spread over sets of samples, error by dimension.

    Args:
        means: Likelihood of each independent set of samples, nats, `[sets]`.
        standard_errors: Of each over the test examples, nats, `[sets]`.
        dimensions: Dimensions of Gaussians whose likelihood is known, `[k]`.
        errors: Estimate less truth in each, nats, `[k]`.
    """
    pairs = (("means", means, standard_errors), ("dimensions", dimensions, errors))
    for name, first, second in pairs:
        shapes = np.shape(first), np.shape(second)
        fit = shapes[0] == shapes[1] and len(shapes[0]) == 1
        if not (fit and np.isfinite(np.asarray([first, second], np.float64)).all()):
            raise InputError(
                f"`{name}` and what belongs to them must be finite and of one length; "
                f"received {shapes[0]} and {shapes[1]}"
            )
    figure = new_figure(8.4, 3.4, apart=_APART)
    sets, known = figure.subplots(1, 2)
    heights = np.asarray(means, np.float64)
    places = np.arange(len(heights)) + 1
    sets.errorbar(places, heights, standard_errors, fmt="o", color=BLUE, capsize=3)
    sets.axhline(heights.mean(), color=GRAY, lw=1, ls=":")
    sets.set_title(f"sets of samples: sd {heights.std(ddof=1):.2f} nats", fontsize=10)
    sets.set_xlabel("set (bars: standard error over test examples)", fontsize=9)
    sets.set_xlim(0.3, len(heights) + 0.7)
    sets.xaxis.get_major_locator().set_params(integer=True)
    known.plot(dimensions, errors, "o-", color=RED, lw=1.5)
    known.axhline(0, color=GRAY, lw=1, ls=":")
    known.set_xscale("log")
    known.set_title("estimate less truth, standard Gaussian", fontsize=10)
    known.set_xlabel("dimension", fontsize=9)
    for axes in (sets, known):
        axes.set_ylabel("nats", fontsize=9)
        tidy(axes)
    return as_picture(figure)
