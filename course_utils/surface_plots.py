"""Maps of loss surfaces over two weights, with the paths of optimizers drawn on them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import torch
from ipywidgets import Dropdown, FloatLogSlider, FloatSlider
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.colours import colour_of
from course_utils.sketch import Sketch
from course_utils.surfaces import Surface, descend
from course_utils.widgets import show_widget

STEPS = 60
_GRID = 120  # points of the map in each direction
_LEVELS = 14


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
    """Draw a path over a map, a dot an update; one that runs away ends where it leaves the map.

    Args:
        ax: where `plot_map` has drawn.
        surface: whose map it is.
        label: one that starts with the name of an optimizer has its colour.
        path: as `surfaces.descend` returns it.
    """
    seen = points_on_map(surface, path)
    words = label if len(seen) == len(path) else f"{label} (leaves the map)"
    ax.plot(*seen.T, ".-", color=colour_of(label), lw=1.2, ms=4, label=words)
    ax.plot(*path[0], "ko", ms=6)
    return ax


def plot_paths(ax: Axes, surface: Surface, paths: Mapping[str, np.ndarray]) -> Axes:
    """Draw a map with several paths and a legend.

    Args:
        ax: where to draw.
        surface: whose map is drawn.
        paths: label -> path, see `plot_path`.
    """
    for label, path in paths.items():
        plot_path(ax, surface, label, path)
    plot_map(ax, surface)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
    return ax


def points_on_map(surface: Surface, path: np.ndarray) -> np.ndarray:
    """Return a path up to and with its first point that is not on the map, if that is finite.

    Args:
        surface: whose `xlim` and `ylim` bound the map.
        path: weights (steps + 1, 2).
    """
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
    """Walk down a surface for 60 updates and draw the path; the title says where that ends.

    Args:
        ax: where `plot_map` has drawn.
        surface: where to walk.
        optimizer_factory: takes the name and the settings, and returns what `surfaces.descend`
            takes, as `lessons.lesson_03.optimizer_factory` does.
        optimizer: its name.
        start: the two weights before the first update.
        settings: of the optimizer: `lr` and `momentum`.
    """
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
        optimizer_factory: see `plot_walk`.
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
            "momentum": FloatSlider(
                description="momentum (beta1)", value=0.9, min=0, max=0.99, step=0.01
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
