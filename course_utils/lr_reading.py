"""One sweep of the LR finder read in several ways: its smoothing, its range, the way to pick."""

from __future__ import annotations

import math

import torch
from ipywidgets import Dropdown, FloatRangeSlider, FloatSlider
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.colours import COLOURS, OKABE_ITO
from course_utils.lr_curve import METHODS, LRCurve, check_method
from course_utils.plots import loss_range
from course_utils.sketch import Sketch
from course_utils.stop_rule import StopRule
from course_utils.widgets import show_widget

STOP_RATIO = 4.0
_SMOOTHED = {"color": COLOURS["train"], "label": "smoothed loss"}
_MINIMUM = {"color": COLOURS["train"], "marker": "o", "ls": "", "label": "its minimum"}
_TENTH = {"color": COLOURS["suggestion"], "ls": "--", "label": "a tenth of that LR"}
_PICK = {
    "color": OKABE_ITO["vermilion"],
    "ls": ":",
    "lw": 2.5,
    "label": "pick, corrected for the delay",
}


def reread(curve: LRCurve, *, beta: float, low: float, high: float) -> LRCurve:
    """Return the curve that the same losses give with another smoothing, over a part of the range.

    It is what a sweep from `low` to `high` would have shown, but for one thing: here the weights
    come to `low` after the steps below it. Where these do next to nothing, that is the same.

    Args:
        curve: of `find_lr`.
        beta: the smoothing, see `smoothing.MovingAverage`.
        low: the smallest learning rate that is kept.
        high: the largest; the stop rule may end the curve before it.

    Raises:
        ValueError: no learning rate of the curve lies in the range, or beta lies outside [0, 1).
    """
    pairs = zip(curve.lrs, curve.losses, strict=True)
    kept = [(lr, loss) for lr, loss in pairs if low <= lr <= high]
    if not kept:
        raise ValueError(
            f"No learning rate of the curve lies between {low:.2g} and {high:.2g}: it goes from "
            f"{curve.lrs[0]:.2g} to {curve.lrs[-1]:.2g}."
        )
    lrs, losses = map(list, zip(*kept, strict=True))
    if curve.stop_reason == "non-finite" and high >= curve.lrs[-1]:
        losses.append(math.nan)  # the loss that ended the sweep
    rule = StopRule(beta, STOP_RATIO)
    rule.read(list(torch.tensor(losses, dtype=torch.float64)))
    return rule.curve(lrs)


def plot_raw_losses(ax: Axes, curve: LRCurve) -> Axes:
    """Draw what is the same however a sweep is read: its raw losses, the axes and the legend."""
    ax.plot(curve.lrs, curve.losses, color=COLOURS["train"], alpha=0.3, lw=0.8, label="raw loss")
    for style in (_SMOOTHED, _MINIMUM, _TENTH, _PICK):
        ax.plot([], [], **style)
    low, high = loss_range(curve.smoothed)
    ax.set(xscale="log", xlim=(curve.lrs[0], curve.lrs[-1]), ylim=(min(low, *curve.losses), high))
    ax.set(xlabel="learning rate (log scale)", ylabel="training loss (nats)", title="\n")
    ax.legend(loc="lower left", fontsize="small")
    return ax


def plot_reading(
    ax: Axes, curve: LRCurve, *, beta: float, decades: tuple[float, float], method: str
) -> Axes:
    """Draw one way to read a sweep: smoothed losses, their minimum, and two picks.

    A tenth of the minimum is read off the curve as it is drawn, the other pick is corrected for the
    delay of the smoothing.

    Args:
        ax: where `plot_raw_losses` has drawn.
        curve: of `find_lr`.
        beta: the smoothing, see `smoothing.MovingAverage`.
        decades: logarithms (base 10) of the smallest and the largest learning rate that are kept.
        method: of the second pick, see `LRCurve.suggestion`.

    Raises:
        ValueError: the method is unknown.
    """
    check_method(method)
    low, high = 10 ** decades[0], 10 ** decades[1]
    for left, right in ((curve.lrs[0], low), (high, curve.lrs[-1])):
        ax.axvspan(min(left, right), right, color="grey", alpha=0.2, lw=0)
    try:
        part = reread(curve, beta=beta, low=low, high=high)
    except ValueError:
        ax.set_title("No loss was measured in this range:\nwiden it.")
        return ax
    lowest = min(range(len(part.lrs)), key=part.smoothed.__getitem__)
    minimum = part.lrs[lowest]
    ax.plot(part.lrs, part.smoothed, **_SMOOTHED)
    ax.plot(minimum, part.smoothed[lowest], **_MINIMUM)
    ax.axvline(minimum / 10, **_TENTH)
    words = f"beta {beta:.2f}: minimum at {minimum:.2g}, a tenth of it is {minimum / 10:.2g}"
    try:
        pick = part.suggestion(method)
        ax.axvline(pick, **_PICK)
        ax.set_title(f"{words}\n{method}, corrected for the delay: {pick:.2g}")
    except ValueError:
        ax.set_title(f"{words}\n{method}: no suggestion in this range")
    return ax


def explore_lr_curve(curve: LRCurve) -> None:
    """Show a sweep with controls for its smoothing, its range and the way to pick.

    Args:
        curve: of `find_lr`.
    """
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    ax = plot_raw_losses(figure.subplots(), curve)
    sketch = Sketch(figure)
    ends = math.log10(curve.lrs[0]), math.log10(curve.lrs[-1])
    show_widget(
        lambda **settings: sketch.png(lambda: plot_reading(ax, curve, **settings)),
        {
            "beta": FloatSlider(
                description="smoothing beta", value=curve.beta, min=0, max=0.99, step=0.01
            ),
            "decades": FloatRangeSlider(
                description="range, log10 of LR",
                value=ends,
                min=ends[0],
                max=ends[1],
                step=0.1,
                readout_format=".1f",
            ),
            "method": Dropdown(description="way to pick", options=METHODS),
        },
    )
