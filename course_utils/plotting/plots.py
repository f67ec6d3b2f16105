"""The figures of the course: each function draws on the axes that it is given and returns them.

The same thing has the same colour in every lesson: `plotting.style`.
"""

from __future__ import annotations

import base64
import io
import math
import time
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course_utils._validate import check_number
from course_utils.lr import LRCurve, LRRepeats, smooth_centred
from course_utils.lr.curve import finish_lr_axis
from course_utils.plotting.style import COLOURS, SERIES, colour_of
from course_utils.teaching import mean_interval
from course_utils.training import History
from course_utils.training.callbacks import in_kernel

# Drawing takes about a tenth of a second.
SECONDS_BETWEEN_DRAWINGS = 1.0


def plot_lr_curves(
    ax: Axes, curves: Mapping[str, LRCurve | LRRepeats], *, peak: bool = False
) -> Axes:
    """Draw several finders' smoothed losses on one axis, each with its suggestion and its range.

    Args:
        ax: where to draw.
        curves: label -> one curve of `find_lr`, or its repeats over seeds (drawn faintly but for
            the first).
        peak: mark the suggestions for the peak of a cycle.

    Raises:
        ValueError: there is no curve, or a curve allows no suggestion.
    """
    if not curves:
        raise ValueError("There is no curve to draw: give at least one.")
    highest = []
    for (label, item), colour in zip(curves.items(), series_colours(len(curves)), strict=True):
        colour = COLOURS.get(label, colour)
        repeats = item if isinstance(item, LRRepeats) else LRRepeats((item,))
        pick, low, high = repeats.suggestion(peak=peak)
        words = f"{pick:.2g}" if low == high else f"{pick:.2g} ({low:.2g} to {high:.2g})"
        for index, curve in enumerate(repeats.curves):
            name = f"{label}: {words}" if index == 0 else None
            alpha = 1.0 if index == 0 else 0.25
            ax.plot(curve.lrs, curve.smoothed, color=colour, alpha=alpha, label=name)
            highest.append(curve.loss_range())
        ax.axvspan(low, high, color=colour, alpha=0.15)
        ax.axvline(pick, color=colour, ls="--", lw=1)
    ax.set_ylim(min(low for low, _ in highest), max(high for _, high in highest))
    return finish_lr_axis(ax)


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


def plot_history(axes: Sequence[Axes], history: History) -> Sequence[Axes]:
    """Draw losses above and validation accuracy below, over the epochs.

    Args:
        axes: two axes, stacked.
        history: of `fit`, with validation results.

    Raises:
        ValueError: there are other than two axes, or no validation results for each epoch.
    """
    _check_two(axes)
    if len(history.valid_loss) != history.epochs:
        raise ValueError(
            f"The history has {history.epochs} epochs, but {len(history.valid_loss)} validation "
            "losses: train with valid_loader."
        )
    epochs = np.arange(1, history.epochs + 1)
    axes[0].plot(epochs, history.train_loss, color=COLOURS["train"], label="training")
    axes[0].plot(epochs, history.valid_loss, color=COLOURS["valid"], label="validation")
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
        ValueError: an arm has fewer than two values, or one that is no finite number.
    """
    for row, (label, values) in enumerate(results.items()):
        mean, half_width = mean_interval(values)
        colour = colour_of(label)
        ax.errorbar(mean, row, xerr=half_width, fmt="|", color=colour, capsize=4, ms=14)
        ax.plot(values, [row] * len(values), "o", color=colour, alpha=0.5, ms=4)
    ax.set_yticks(range(len(results)), list(results))
    ax.set_ylim(len(results) - 0.5, -0.5)  # the first row on top, half a row of margin
    ax.set_xlabel(xlabel)
    return ax


def series_colours(count: int) -> list:
    """Return one colour a series: the palette while it lasts, then shades in order."""
    if count <= len(SERIES):
        return SERIES[:count]
    return list(plt.cm.viridis(np.linspace(0, 0.9, count)))


def _check_two(axes) -> None:
    count = np.size(axes)
    if count != 2:
        raise ValueError(f"There are {count} axes, but two are needed: plt.subplots(2, 1).")


def plot_losses(
    ax: Axes,
    train: Sequence[float],
    valid: Sequence[float],
    *,
    chance: float,
    style: str = "-",
    alpha: float = 1.0,
) -> Axes:
    """Draw one run's losses over the epochs, on a vertical range that all panels share.

    Args:
        ax: where to draw.
        train: training loss of each epoch, in nats.
        valid: validation loss after each epoch.
        chance: the loss of guessing, drawn as a grey line: ln(number of classes). The axis ends a
            fifth above it.
        style: of the two lines.
        alpha: their opacity, from 0 to 1.

    Raises:
        ValueError: the losses are of two lengths, or `chance` is not positive.
    """
    check_number("chance", chance, above=0)
    if len(train) != len(valid):
        raise ValueError(
            f"There are {len(train)} training and {len(valid)} validation losses, but must be one "
            "of each an epoch."
        )
    epochs = np.arange(1, len(train) + 1)
    ax.plot(epochs, train, style, color=COLOURS["train"], alpha=alpha, label="training")
    ax.plot(epochs, valid, style, color=COLOURS["valid"], alpha=alpha, label="validation")
    ax.axhline(chance, color="0.6", lw=1, ls=":")
    ax.set_ylim(0, 1.2 * chance)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    return ax


def plot_steps(
    ax: Axes, history: History, evaluated: Sequence[float], *, beta: float = 0.9
) -> Axes:
    """Draw the training loss step by step, its epoch means, and the same samples evaluated.

    Args:
        ax: where to draw.
        history: of a run whose epochs have all the same number of steps.
        evaluated: loss of the training samples in evaluation mode at each epoch's end.
        beta: of `lr.smooth_centred`, which has no delay.

    Raises:
        ValueError: there is no epoch, or not one evaluated loss an epoch.
    """
    if not history.epochs or len(evaluated) != history.epochs:
        raise ValueError(
            f"There are {len(evaluated)} evaluated losses and {history.epochs} epochs: give a "
            "history of at least one epoch, and one loss for each."
        )
    steps = len(history.step_loss) // history.epochs
    at = (np.arange(len(history.step_loss)) + 0.5) / steps
    ends = np.arange(1, history.epochs + 1)
    smoothed = smooth_centred(history.step_loss, beta)
    colour = COLOURS["train"]
    ax.plot(at, history.step_loss, color=colour, alpha=0.25, lw=0.8, label="one training step")
    ax.plot(at, smoothed, color=colour, label="training steps, smoothed")
    means = f"mean over an epoch's {steps} steps"
    ax.hlines(history.train_loss, ends - 1, ends, color=SERIES[3], lw=2, label=means)
    label = "same samples, evaluated at the epoch's end"
    ax.plot(ends, evaluated, "o", color=SERIES[2], label=label, zorder=3)
    ax.set(xlabel="epoch", ylabel="loss (nats)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()
    return ax


class LivePlot:
    """A plot of the losses that grows while a model trains: `fit(..., callbacks=[LivePlot()])`.

    Losses above and validation accuracy below, over the epochs, as `plot_history` draws them;
    without validation batches the training loss alone. It is drawn anew at the end of an epoch, at
    most once a second. The last state stays as the output, after an error or Ctrl-C as well. It is
    for notebooks: outside a Jupyter kernel nothing is drawn. In a loop of your own, open it with
    `with LivePlot() as plot` and call `plot(history)` after each epoch.
    """

    def __enter__(self) -> LivePlot:
        self._handle = self._history = None
        self._drawn = (0, -math.inf)  # the epochs in the latest drawing, and when it was made
        return self

    def __call__(self, history: History) -> None:
        """Take in the history of a run, and draw it where the last drawing is old enough."""
        self._history = history
        if time.perf_counter() - self._drawn[1] > SECONDS_BETWEEN_DRAWINGS:
            self._draw()

    def __exit__(self, *error) -> None:
        if self._history is not None and self._history.epochs > self._drawn[0]:
            self._draw()

    def _draw(self) -> None:
        if in_kernel():
            from IPython.display import display

            image = base64.b64encode(_png(self._history)).decode()
            content = {"image/png": image, "text/plain": self._history.last_epoch}
            if self._handle is None:
                self._handle = display(content, raw=True, display_id=True)
            else:
                self._handle.update(content, raw=True)
        self._drawn = (self._history.epochs, time.perf_counter())


def _png(history: History) -> bytes:
    """Draw a history that has an epoch at least."""
    # No pyplot figure, as the notebook would show that one a second time at the end of the cell.
    figure = Figure(figsize=(8, 5))
    if history.valid_loss:
        axes = plot_history(figure.subplots(2, 1, sharex=True), history)
    else:
        axes = [figure.subplots()]
        axes[0].plot(range(1, history.epochs + 1), history.train_loss, label="training")
        axes[0].set(xlabel="epoch", ylabel="mean loss (nats)")
        axes[0].legend()
    for line in (line for ax in axes for line in ax.lines):
        line.set_marker(".")  # or else the first epoch, a single point, would not be seen
    axes[0].set_title(f"Training, after epoch {history.epochs}")
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
