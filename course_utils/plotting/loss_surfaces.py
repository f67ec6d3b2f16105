"""Loss surfaces over two weights, and the paths that optimizers take down them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import torch
from ipywidgets import Dropdown, FloatLogSlider, FloatSlider, SelectionSlider
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils._validate import check_whole
from course_utils.plotting.style import colour_of
from course_utils.plotting.widgets import NEAR_ONE, Sketch, show_widget

STEPS = 60  # of a walk that is explored
_GRID = 120  # points of the map in each direction
_LEVELS = 14


@dataclass(frozen=True)
class Surface:
    """A loss over two weights that can be drawn as a map.

    Attributes:
        name: as it stands over a figure.
        loss: maps weights (2, ...) to losses (...); torch functions only, so that it has gradients.
        start: where a walk begins, unless told otherwise.
        minima: the points of lowest loss.
        xlim: the stretch of the first weight that is drawn.
        ylim: the stretch of the second weight that is drawn.
    """

    name: str
    loss: Callable[[Tensor], Tensor]
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    xlim: tuple[float, float]
    ylim: tuple[float, float]

    def gradient(self, weights: Tensor) -> Tensor:
        """Return the gradient of the loss, (2,), at weights (2,)."""
        weights = weights.detach().requires_grad_()
        return torch.autograd.grad(self.loss(weights), weights)[0]


def _ravine(weights: Tensor) -> Tensor:
    x, y = weights
    return (x**2 + 25 * y**2) / 2


def _saddle(weights: Tensor) -> Tensor:
    x, y = weights
    return (y**2 - x**2) / 2 + x**4 / 4


# 25 times as steep across as along: plain SGD bounces between the walls above a learning rate of
# 1/25, and leaves the ravine above 2/25.
RAVINE = Surface("ravine", _ravine, (-3.0, 0.6), ((0.0, 0.0),), (-3.5, 1.5), (-1.0, 1.0))
# Flat at the origin, which lies higher than what is left and right of it. The start lies almost
# exactly on the line that leads to the origin.
SADDLE = Surface(
    "saddle", _saddle, (0.01, 1.2), ((-1.0, 0.0), (1.0, 0.0)), (-1.8, 1.8), (-1.2, 1.5)
)


def descend(
    surface: Surface,
    optimizer_factory: Callable[[list[Tensor]], torch.optim.Optimizer],
    start: Sequence[float] | None = None,
    *,
    steps: int,
) -> np.ndarray:
    """Walk down a surface with an optimizer of PyTorch, in double precision.

    Args:
        surface: where to walk.
        optimizer_factory: builds the optimizer from a list of parameters, with its learning rate,
            as `partial(torch.optim.SGD, lr=0.1)` does.
        start: two weights; by default the surface's own.
        steps: how many updates.

    Returns:
        The weights before the first and after each update, float64 (steps + 1, 2). A walk that
        runs away may end in values that are not finite.

    Raises:
        ValueError: the start is not two finite numbers, or there are fewer than 1 steps.
    """
    start = surface.start if start is None else tuple(start)
    numbers = [value for value in start if isinstance(value, Real) and math.isfinite(value)]
    if len(start) != 2 or len(numbers) != 2:
        raise ValueError(f"The start is {start}, but must be two finite numbers: the two weights.")
    check_whole("steps", steps, 1)
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = optimizer_factory([weights])
    path = [weights.detach().numpy().copy()]
    for _ in range(steps):
        weights.grad = surface.gradient(weights)
        optimizer.step()
        path.append(weights.detach().numpy().copy())
    return np.stack(path)


def plot_map(ax: Axes, surface: Surface) -> Axes:
    """Draw a surface's contour lines and its minima, within its `xlim` and `ylim`."""
    across, up = np.meshgrid(np.linspace(*surface.xlim, _GRID), np.linspace(*surface.ylim, _GRID))
    losses = surface.loss(torch.tensor(np.stack([across, up]))).numpy()
    # Denser near the bottom, where the paths end.
    levels = losses.min() + np.ptp(losses) * np.linspace(0.03, 1, _LEVELS) ** 2
    ax.contour(across, up, losses, levels=levels, colors="grey", linewidths=0.6, alpha=0.7)
    ax.plot(*np.transpose(surface.minima), "k*", ms=11, ls="none", label="minimum")
    ax.set(xlim=surface.xlim, ylim=surface.ylim, xlabel="weight 1", ylabel="weight 2")
    ax.set_title(surface.name)
    ax.grid(False)
    return ax


def plot_path(ax: Axes, surface: Surface, label: str, path: np.ndarray) -> Axes:
    """Draw a path over a map, a dot an update; one that runs away ends where it leaves the map."""
    seen = points_on_map(surface, path)
    words = label if len(seen) == len(path) else f"{label} (leaves the map)"
    ax.plot(*seen.T, ".-", color=colour_of(label), lw=1.2, ms=4, label=words)
    ax.plot(*path[0], "ko", ms=6)
    return ax


def plot_paths(
    axes: Sequence[Axes], surface: Surface, paths: Mapping[str, np.ndarray]
) -> Sequence[Axes]:
    """Draw a map with several paths, and beside it how far above the minimum each step's loss lies.

    Args:
        axes: two axes: for the map, and for the losses, with the legend beside them.
        surface: whose map is drawn.
        paths: label -> path, as `descend` returns it; a label that starts with the name of an
            optimizer has its colour.
    """
    over, beside = axes
    lowest = surface.loss(torch.tensor(surface.minima[0], dtype=torch.float64))
    for label, path in paths.items():
        plot_path(over, surface, label, path)
        losses = surface.loss(torch.tensor(points_on_map(surface, path).T)) - lowest
        beside.plot(losses, color=colour_of(label), label=over.lines[-2].get_label())
    plot_map(over, surface)
    beside.set(yscale="log", ylim=(1e-6, 2 * float(losses[0])), xlabel="step")
    beside.set(ylabel="loss above the minimum", title="the losses on these paths")
    beside.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
    return axes


def points_on_map(surface: Surface, path: np.ndarray) -> np.ndarray:
    """Return a path up to and with its first point that is not on the map, if that is finite."""
    low, high = np.transpose([surface.xlim, surface.ylim])
    outside = np.flatnonzero(~((path >= low) & (path <= high)).all(axis=1))
    if not len(outside):
        return path
    end = int(outside[0])
    return path[: end + 1] if np.isfinite(path[end]).all() else path[:end]


def plot_walk(
    ax: Axes,
    surface: Surface,
    optimizer_factory: Callable[..., Callable],
    *,
    optimizer: str,
    start: Sequence[float],
    **settings: float,
) -> Axes:
    """Walk down a surface for 60 updates and draw the path; the title says where that ends."""
    path = descend(surface, optimizer_factory(optimizer, **settings), start, steps=STEPS)
    plot_path(ax, surface, optimizer, path)
    if len(points_on_map(surface, path)) < len(path):
        end = "leaves the map"
    else:
        end = f"loss {float(surface.loss(torch.tensor(path[-1]))):.2g} after {STEPS} updates"
    ax.set_title(f"{surface.name}, {optimizer}, LR {settings['lr']:.2g}: {end}")
    return ax


def explore_paths(
    surfaces: Sequence[Surface],
    optimizer_factory: Callable[..., Callable],
    *,
    optimizers: Sequence[str],
    without_momentum: Collection[str],
) -> None:
    """Show an optimizer's path with controls for surface, start, learning rate and momentum.

    Args:
        surfaces: to choose from.
        optimizer_factory: takes a name, `lr` and `momentum`, and returns what `descend` takes, as
            `lesson_03.optimizer_factory` does.
        optimizers: names to choose from.
        without_momentum: those for which the momentum does nothing.
    """
    prepared = {surface.name: _prepare(surface) for surface in surfaces}

    def draw(surface: Surface, start_1: float, start_2: float, **settings) -> bytes:
        ax, sketch = prepared[surface.name]
        start = (start_1, start_2)
        return sketch.png(
            lambda: plot_walk(ax, surface, optimizer_factory, start=start, **settings)
        )

    (left, right), (bottom, top) = (
        (max(low for low, _ in limits), min(high for _, high in limits))
        for limits in ([s.xlim for s in surfaces], [s.ylim for s in surfaces])
    )
    show_widget(
        draw,
        {
            "surface": Dropdown(description="surface", options={s.name: s for s in surfaces}),
            "optimizer": Dropdown(description="optimizer", options=optimizers),
            "start_1": FloatSlider(
                description="start, weight 1", value=-1.5, min=left, max=right, step=0.05
            ),
            "start_2": FloatSlider(
                description="start, weight 2", value=0.6, min=bottom, max=top, step=0.05
            ),
            "lr": FloatLogSlider(
                description="learning rate (LR)", value=0.07, min=-3, max=0, step=0.05
            ),
            "momentum": SelectionSlider(
                description="momentum (beta1)", value=0.9, options=NEAR_ONE
            ),
        },
        unused=lambda optimizer, **_: ("momentum",) if optimizer in without_momentum else (),
    )


def _prepare(surface: Surface) -> tuple[Axes, Sketch]:
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    ax = plot_map(figure.subplots(), surface)
    ax.plot([], [], "ko", ms=6, label="start")
    ax.legend(loc="lower right", fontsize="small")
    return ax, Sketch(figure)
