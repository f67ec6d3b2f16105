"""Sliders on momentum and learning rate: how a step grows, and a walk down a narrow valley."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from ipywidgets import FloatLogSlider, SelectionSlider
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.plotting.loss_surfaces import RAVINE, descend, plot_map, points_on_map
from course_utils.plotting.style import COLOURS, OKABE_ITO
from course_utils.plotting.widgets import NEAR_ONE, Sketch, show_widget

STEPS = 60
LARGEST = 0.97


def growth(momentum: float) -> np.ndarray:
    """Return the size of each of 60 steps, in multiples of the LR, if the gradient stays at 1.

    It is (1 - m^t) / (1 - m) in step t, and tends to 1 / (1 - m).
    """
    return np.cumsum(momentum ** np.arange(STEPS))


def plot_momentum(axes: Sequence[Axes], *, momentum: float, lr: float) -> Sequence[Axes]:
    """Draw the growth of the step left, and walks down the valley right, over prepared axes.

    The second walk is that of SGD without momentum at the effective learning rate.
    """
    effective = lr / (1 - momentum)
    axes[0].plot(range(1, STEPS + 1), growth(momentum), color=COLOURS["momentum"], lw=2)
    axes[0].set_title(f"momentum {momentum:.2f}: the step tends to {1 / (1 - momentum):.1f} × LR")
    ends = []
    for colour, rate, kept in (("SGD", effective, 0.0), ("momentum", lr, momentum)):
        factory = partial(torch.optim.SGD, lr=rate, momentum=kept)
        path = descend(RAVINE, factory, steps=STEPS)
        seen = points_on_map(RAVINE, path)
        axes[1].plot(*seen.T, ".-", color=COLOURS[colour], lw=1.2, ms=4)
        stays = len(seen) == len(path)
        loss = float(RAVINE.loss(torch.tensor(path[-1])))
        ends.append(f"loss {loss:.2g} after {STEPS} steps" if stays else "leaves the map")
    axes[1].set_title(
        f"LR {lr:.2g}, effective LR {effective:.2g}: {ends[1]}\n"
        f"no momentum, LR {effective:.2g}: {ends[0]}"
    )
    return axes


def explore_momentum() -> None:
    """Show what a momentum and a learning rate do, with a control for each."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    sketch = Sketch(_prepared(figure))
    show_widget(
        lambda **settings: sketch.png(lambda: plot_momentum(figure.axes, **settings)),
        {
            "momentum": SelectionSlider(
                description="momentum", value=0.9, options=[m for m in NEAR_ONE if m <= LARGEST]
            ),
            "lr": FloatLogSlider(
                description="learning rate (LR)", value=0.02, min=-3, max=-1, step=0.05
            ),
        },
    )


def _prepared(figure: Figure) -> Figure:
    """Draw all that no slider moves: two known momenta, the valley, axes and legends."""
    left, right = figure.subplots(1, 2)
    for momentum, colour in ((0.95, "vermilion"), (0.85, "sky blue")):
        style = {"color": OKABE_ITO[colour], "ls": "--", "lw": 1}
        left.plot(range(1, STEPS + 1), growth(momentum), label=f"momentum {momentum}", **style)
    left.plot([], [], color=COLOURS["momentum"], lw=2, label="momentum of the slider")
    left.set(ylim=(0, 1 / (1 - LARGEST)), xlabel="step, the gradient stays the same")
    left.set(ylabel="size of the step (× LR × gradient)", title=" ")
    left.legend(loc="upper left", fontsize="small")
    plot_map(right, RAVINE)
    right.plot(*RAVINE.start, "ko", ms=6, label="start")
    right.plot([], [], ".-", color=COLOURS["momentum"], label="with the momentum")
    right.plot([], [], ".-", color=COLOURS["SGD"], label="without, at the effective LR")
    right.legend(loc="lower right", fontsize="small")
    right.set_title(" \n ")
    return figure
