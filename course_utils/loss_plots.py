"""The figures of lesson 07: a loss curve as a panel of a gallery, and step by step.

Each function draws on the axes that it is given and returns them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from course_utils.colours import COLOURS, SERIES
from course_utils.history import History
from course_utils.limits import check_number
from course_utils.smoothing import smooth_centred


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
        beta: of `smoothing.smooth_centred`, which has no delay.

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
