"""The figures of the course: each function draws on the axes that it is given and returns them.

The same thing has the same colour in every lesson: `course_utils.colours`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from course_utils.claims import mean_interval
from course_utils.colours import COLOURS, SERIES, colour_of
from course_utils.lr_curve import LRCurve, LRRepeats, check_method


def use_course_style() -> None:
    """Set matplotlib's defaults for the lessons: light grid, no box, layout without overlap."""
    plt.rcParams.update(
        {
            "figure.constrained_layout.use": True,
            "figure.dpi": 80,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=SERIES),
        }
    )


def plot_lr_curve(
    ax: Axes, curve: LRCurve, *, label: str = "smoothed loss", method: str = "steepest"
) -> Axes:
    """Draw a finder's raw and smoothed losses over the learning rate, with its suggestion marked.

    The suggestion is left out, with a remark in the legend, where the curve allows none.

    Raises:
        ValueError: the method is unknown.
    """
    check_method(method)
    ax.plot(curve.lrs, curve.losses, color=COLOURS["train"], alpha=0.25, lw=0.8, label="raw loss")
    ax.plot(curve.lrs, curve.smoothed, color=COLOURS["train"], label=label)
    try:
        pick = curve.suggestion(method)
        words = f"{method}: {pick:.2g}"
        ax.axvline(pick, color=COLOURS["suggestion"], ls="--", label=words)
    except ValueError:
        ax.plot([], [], " ", label=f"{method}: no suggestion")
    ax.set_ylim(*loss_range(curve.smoothed))
    return _finish_lr_axis(ax)


def plot_lr_curves(
    ax: Axes, curves: Mapping[str, LRCurve | LRRepeats], *, method: str = "steepest"
) -> Axes:
    """Draw several finders' smoothed losses on one axis, each with its suggestion and its range.

    Args:
        ax: where to draw.
        curves: label -> one curve, or its repeats over seeds (drawn faintly but for the first).
        method: how the suggestion is made, see `LRCurve.suggestion`.

    Raises:
        ValueError: there is no curve, the method is unknown, or a curve allows no suggestion.
    """
    if not curves:
        raise ValueError("There is no curve to draw: give at least one.")
    highest = []
    for (label, item), colour in zip(curves.items(), series_colours(len(curves)), strict=True):
        colour = COLOURS.get(label, colour)
        repeats = item if isinstance(item, LRRepeats) else LRRepeats((item,))
        pick, low, high = repeats.suggestion(method)
        words = f"{pick:.2g}" if low == high else f"{pick:.2g} ({low:.2g} to {high:.2g})"
        for index, curve in enumerate(repeats.curves):
            name = f"{label}: {words}" if index == 0 else None
            alpha = 1.0 if index == 0 else 0.25
            ax.plot(curve.lrs, curve.smoothed, color=colour, alpha=alpha, label=name)
            highest.append(loss_range(curve.smoothed))
        ax.axvspan(low, high, color=colour, alpha=0.15)
        ax.axvline(pick, color=colour, ls="--", lw=1)
    ax.set_ylim(min(low for low, _ in highest), max(high for _, high in highest))
    return _finish_lr_axis(ax)


def plot_schedule(axes: Sequence[Axes], schedules: Mapping[str, tuple]) -> Sequence[Axes]:
    """Draw learning rates above and momenta below, over the optimizer steps.

    Args:
        axes: two axes, stacked.
        schedules: label -> (learning rates, momenta), one value a step; momenta may be None.

    Raises:
        ValueError: there are other than two axes.
    """
    _check_two(axes)
    for (label, (lrs, momenta)), colour in zip(
        schedules.items(), series_colours(len(schedules)), strict=True
    ):
        colour = COLOURS.get(label, colour)
        axes[0].plot(lrs, color=colour, label=label)
        if momenta is not None:
            axes[1].plot(momenta, color=colour, label=label)
    axes[0].set_ylabel("learning rate")
    axes[1].set(xlabel="optimizer step", ylabel="momentum")
    axes[0].legend()
    return axes


def plot_history(axes: Sequence[Axes], history, *, label: str = "") -> Sequence[Axes]:
    """Draw losses above and validation accuracy below, over the epochs.

    Args:
        axes: two axes, stacked.
        history: a `training.History` with validation results.
        label: put before the names in the legend, to tell several histories apart.

    Raises:
        ValueError: there are other than two axes, or no validation results for each epoch.
    """
    _check_two(axes)
    if len(history.valid_loss) != history.epochs:
        raise ValueError(
            f"The history has {history.epochs} epochs, but {len(history.valid_loss)} validation "
            "losses: train with valid_batches."
        )
    epochs = np.arange(1, history.epochs + 1)
    prefix = f"{label}: " if label else ""
    axes[0].plot(epochs, history.train_loss, color=COLOURS["train"], label=f"{prefix}training")
    axes[0].plot(epochs, history.valid_loss, color=COLOURS["valid"], label=f"{prefix}validation")
    axes[0].set_ylabel("mean loss (nats)")
    axes[0].legend()
    axes[1].plot(epochs, history.valid_accuracy, color=COLOURS["valid"])
    axes[1].set(xlabel="epoch", ylabel="validation accuracy")
    axes[1].xaxis.set_major_locator(MaxNLocator(integer=True))
    return axes


def plot_arms(ax: Axes, results: Mapping[str, Sequence[float]], *, xlabel: str) -> Axes:
    """Draw one row an arm: every seed as a dot, their mean with its 95 % interval as a bar.

    Args:
        ax: where to draw.
        results: label -> one value a seed, at least two.
        xlabel: what the values are, with their unit.

    Raises:
        ValueError: as `claims.mean_interval`.
    """
    for row, (label, values) in enumerate(results.items()):
        mean, half_width = mean_interval(values)
        colour = colour_of(label)
        ax.errorbar(mean, row, xerr=half_width, fmt="|", color=colour, capsize=4, ms=14)
        ax.plot(values, [row] * len(values), "o", color=colour, alpha=0.5, ms=4)
    ax.set_yticks(range(len(results)), list(results))
    ax.invert_yaxis()
    ax.set_xlabel(xlabel)
    return ax


def loss_range(smoothed: Sequence[float]) -> tuple[float, float]:
    """Return the vertical range that shows the fall of a finder's losses, without the explosion.

    Args:
        smoothed: the finder's smoothed losses, in nats.

    Raises:
        ValueError: there is no loss.
    """
    if not len(smoothed):
        raise ValueError("There is no loss to show: give at least one.")
    low, start = min(smoothed), max(smoothed[: int(np.argmin(smoothed)) + 1])
    span = max(start - low, 1e-3)
    return low - 0.1 * span, start + 0.5 * span


def series_colours(count: int) -> list:
    """Return one colour a series: the palette while it lasts, then shades in order."""
    if count <= len(SERIES):
        return SERIES[:count]
    return list(plt.cm.viridis(np.linspace(0, 0.9, count)))


def _check_two(axes) -> None:
    count = np.size(axes)
    if count != 2:
        raise ValueError(f"There are {count} axes, but two are needed: plt.subplots(2, 1).")


def _finish_lr_axis(ax: Axes) -> Axes:
    ax.set_xscale("log")
    ax.set(xlabel="learning rate (log scale)", ylabel="training loss (nats)")
    ax.legend()
    return ax
