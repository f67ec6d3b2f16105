"""Sliders on learning rates: the shape of a 1cycle schedule, and the readings of one sweep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
from ipywidgets import (
    Dropdown,
    FloatLogSlider,
    FloatRangeSlider,
    FloatSlider,
    SelectionRangeSlider,
    SelectionSlider,
)
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.lr import LRCurve
from course_utils.lr.finder import STOP_RISE, StopRule
from course_utils.lr.schedules import TAIL, OneCycleCurve
from course_utils.plotting.style import COLOURS, OKABE_ITO
from course_utils.plotting.widgets import NEAR_ONE, Sketch, show_widget

STEPS = 950
HIGHEST_PEAK = 1.0
# The tail is set, and the peak lies in the middle of the rest.
WITH_TAIL = {
    "Gugger, three phases": OneCycleCurve.gugger,
    "two phases, no tail": lambda *args, tail, **settings: OneCycleCurve.gugger(
        *args, tail=0, **settings
    ),
    "Smith's logs": OneCycleCurve.smith,
}
# The place of the peak is set.
WITH_RISE = {
    "fastai": OneCycleCurve.fastai,
    "torch": OneCycleCurve.torch,
    "torch, three_phase=True": partial(OneCycleCurve.torch, three_phase=True),
}


def cycle_shape(
    form: str, *, peak: float, div: float, tail: float, rise: float, momentum: tuple[float, float]
) -> OneCycleCurve:
    """Return a curve of 950 steps in one of the forms; a setting that a form has not is left out.

    `tail` and `rise` are fractions of the steps, `momentum` is (at the peak, at the low LR).
    """
    settings = {"div": div, "momentum": momentum[::-1]}
    if form in WITH_TAIL:
        return WITH_TAIL[form](STEPS, peak, tail=tail, **settings)
    return WITH_RISE[form](STEPS, peak, pct_start=rise, **settings)


def unused_settings(form: str, **_others) -> tuple[str, ...]:
    """Name the settings of `cycle_shape` that a form leaves out."""
    if form == "two phases, no tail":
        return ("tail", "rise")
    return ("rise",) if form in WITH_TAIL else ("tail",)


def prepare_axes(axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw what is the same for every form: limits, and Gugger's curve in grey."""
    usual = OneCycleCurve.gugger(STEPS, 0.8)
    for ax, values in zip(axes, (usual.lrs(), usual.lrs(), usual.momenta()), strict=True):
        ax.plot(values, color="grey", ls="--", lw=1, label="Gugger, peak 0.8")
        ax.set_xlim(0, STEPS - 1)
    axes[0].set(ylabel="learning rate", ylim=(0, 1.05 * HIGHEST_PEAK), title="\n")
    axes[0].legend(loc="upper right", fontsize="small")
    axes[1].set(ylabel="the same,\nlog scale", yscale="log", ylim=(1e-8, 2))
    axes[2].set(ylabel="momentum", ylim=(0.48, 1.0), xlabel="optimizer step")
    return axes


def plot_shape(axes: Sequence[Axes], curve: OneCycleCurve) -> Sequence[Axes]:
    """Draw a curve over what `prepare_axes` has drawn, and its numbers as a title."""
    lrs, momenta = curve.preview()
    axes[0].plot(lrs, color=COLOURS["learning rate"], lw=2)
    axes[1].plot(lrs, color=COLOURS["learning rate"], lw=2)
    axes[2].plot(momenta, color=COLOURS["momentum"], lw=2)
    highest = max(range(len(lrs)), key=lrs.__getitem__)
    axes[0].set_title(
        f"LR {lrs[0]:.2g} at the start, {lrs[highest]:.2g} in step {highest}, {lrs[-1]:.2g} at the "
        f"end\nmomentum {momenta[0]:.2f}, {momenta[highest]:.2f}, {momenta[-1]:.2f}"
    )
    return axes


def explore_one_cycle() -> None:
    """Show a 1cycle schedule with controls for its form and all that the form lets one set."""
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = prepare_axes(figure.subplots(3, 1, sharex=True))
    sketch = Sketch(figure)
    show_widget(
        lambda **settings: sketch.png(lambda: plot_shape(axes, cycle_shape(**settings))),
        {
            "form": Dropdown(description="form", options=[*WITH_TAIL, *WITH_RISE]),
            "peak": FloatSlider(
                description="peak LR", value=0.8, min=0.05, max=HIGHEST_PEAK, step=0.05
            ),
            "div": FloatLogSlider(
                description="division: peak / low LR", value=10, min=0, max=2, step=0.05
            ),
            "tail": FloatSlider(
                description="tail, part of steps", value=TAIL, min=0.01, max=0.6, step=0.01
            ),
            "rise": FloatSlider(
                description="rise, part of steps", value=0.3, min=0.05, max=0.5, step=0.05
            ),
            "momentum": SelectionRangeSlider(
                description="momentum",
                value=(0.85, 0.95),
                options=[m for m in NEAR_ONE if m >= 0.5],
            ),
        },
        unused=unused_settings,
    )


PICKS = {
    "suggestion": LRCurve.suggestion,
    "minimum": LRCurve.minimum,
    "steepest": LRCurve.steepest,
}
_SMOOTHED = {"color": COLOURS["train"], "label": "smoothed loss"}
_MINIMUM = {"color": COLOURS["train"], "marker": "o", "ls": "", "label": "its minimum"}
_TENTH = {"color": COLOURS["suggestion"], "ls": "--", "label": "a tenth of that LR"}
_PICK = {
    "color": OKABE_ITO["vermilion"],
    "ls": ":",
    "lw": 2.5,
    "label": "pick, corrected for the delay",
}


def reread(curve: LRCurve, *, beta: float, low: float, high: float) -> LRCurve | None:
    """Return the curve that the same losses give with another smoothing, over a part of the range.

    It is what a sweep from `low` to `high` would have shown, but for one thing: here the weights
    come to `low` after the steps below it. Where these do next to nothing, that is the same. The
    stop rule may end the curve before `high`. None where no loss was measured in the range.
    """
    pairs = zip(curve.lrs, curve.losses, strict=True)
    kept = [(lr, loss) for lr, loss in pairs if low <= lr <= high]
    if not kept:
        return None
    lrs, losses = map(list, zip(*kept, strict=True))
    if curve.stop_reason == "non-finite" and high >= curve.lrs[-1]:
        losses.append(math.nan)  # the loss that ended the sweep
    rule = StopRule(beta, STOP_RISE, len(losses))
    rule.read(list(torch.tensor(losses, dtype=torch.float64)))
    return rule.curve(lrs)


def plot_raw_losses(ax: Axes, curve: LRCurve) -> Axes:
    """Draw what is the same however a sweep is read: its raw losses, the axes and the legend."""
    ax.plot(curve.lrs, curve.losses, color=COLOURS["train"], alpha=0.3, lw=0.8, label="raw loss")
    for style in (_SMOOTHED, _MINIMUM, _TENTH, _PICK):
        ax.plot([], [], **style)
    low, high = curve.loss_range()
    ax.set(xscale="log", xlim=(curve.lrs[0], curve.lrs[-1]), ylim=(min(low, *curve.losses), high))
    ax.set(xlabel="learning rate (log scale)", ylabel="training loss (nats)", title="\n")
    ax.legend(loc="lower left", fontsize="small")
    return ax


def plot_reading(
    ax: Axes, curve: LRCurve, *, beta: float, decades: tuple[float, float], way: str
) -> Axes:
    """Draw one way to read a sweep: smoothed losses, their minimum, and two picks.

    A tenth of the minimum is read off the curve as it is drawn, the other pick is corrected for the
    delay of the smoothing. `decades` are log10 of the smallest and the largest LR that are kept.
    """
    low, high = 10 ** decades[0], 10 ** decades[1]
    for left, right in ((curve.lrs[0], low), (high, curve.lrs[-1])):
        ax.axvspan(min(left, right), right, color="grey", alpha=0.2, lw=0)
    part = reread(curve, beta=beta, low=low, high=high)
    if part is None:
        ax.set_title("No loss was measured in this range:\nwiden it.")
        return ax
    lowest = min(range(len(part.lrs)), key=part.smoothed.__getitem__)
    minimum = part.lrs[lowest]
    ax.plot(part.lrs, part.smoothed, **_SMOOTHED)
    ax.plot(minimum, part.smoothed[lowest], **_MINIMUM)
    ax.axvline(minimum / 10, **_TENTH)
    words = f"beta {beta:.2f}: minimum at {minimum:.2g}, a tenth of it is {minimum / 10:.2g}"
    try:
        pick = PICKS[way](part)
        ax.axvline(pick, **_PICK)
        ax.set_title(f"{words}\n{way}, corrected for the delay: {pick:.2g}")
    except ValueError:
        ax.set_title(f"{words}\n{way}: no pick in this range")
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
            "beta": SelectionSlider(
                description="smoothing beta",
                value=curve.beta,
                options=sorted({*NEAR_ONE, curve.beta}),
            ),
            "decades": FloatRangeSlider(
                description="range, log10 of LR",
                value=ends,
                min=ends[0],
                max=ends[1],
                step=0.1,
                readout_format=".1f",
            ),
            "way": Dropdown(description="way to pick", options=list(PICKS)),
        },
    )
