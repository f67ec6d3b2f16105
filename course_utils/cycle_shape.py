"""The shape of a 1cycle schedule in the forms that papers and libraries give it, to be moved."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ipywidgets import Dropdown, FloatLogSlider, FloatRangeSlider, FloatSlider
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.colours import COLOURS
from course_utils.one_cycle_curve import TAIL, OneCycleCurve
from course_utils.sketch import Sketch
from course_utils.widgets import show_widget

STEPS = 950
HIGHEST_PEAK = 1.0
# The tail is set, and the peak lies in the middle of the rest.
WITH_TAIL = {
    "source text, three phases": OneCycleCurve.seed,
    "two phases, no tail": lambda *args, tail, **settings: OneCycleCurve.seed(
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

    Args:
        form: one of `WITH_TAIL` and `WITH_RISE`.
        peak: the highest learning rate.
        div: the low learning rate is peak / div.
        tail: the tail's fraction of the steps.
        rise: the fraction of the steps before the peak.
        momentum: (at the peak, at the low learning rate).

    Raises:
        ValueError: the form is unknown, or a setting is out of its range.
    """
    if form not in (*WITH_TAIL, *WITH_RISE):
        known = ", ".join(map(repr, (*WITH_TAIL, *WITH_RISE)))
        raise ValueError(f"form is {form!r}, but must be one of {known}.")
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
    """Draw what is the same for every form: axes, limits, and the source text's curve in grey.

    Args:
        axes: three, stacked: learning rate, the same on a log scale, momentum.
    """
    usual = OneCycleCurve.seed(STEPS, 0.8)
    for ax, values in zip(axes, (usual.lrs(), usual.lrs(), usual.momenta()), strict=True):
        ax.plot(values, color="grey", ls="--", lw=1, label="source text, peak 0.8")
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
                description="tail, share of steps", value=TAIL, min=0.01, max=0.6, step=0.01
            ),
            "rise": FloatSlider(
                description="rise, share of steps", value=0.3, min=0.05, max=0.5, step=0.05
            ),
            "momentum": FloatRangeSlider(
                description="momentum", value=(0.85, 0.95), min=0.5, max=0.99, step=0.01
            ),
        },
        unused=unused_settings,
    )
