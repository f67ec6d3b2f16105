"""Maps of loss surfaces over two weights, with the paths of optimizers drawn on them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.colours import colour_of
from course_utils.surfaces import Surface

_GRID = 120  # points of the map in each direction
_LEVELS = 14


def plot_paths(ax: Axes, surface: Surface, paths: Mapping[str, np.ndarray]) -> Axes:
    """Draw a surface's contour lines and the paths over it, a dot an update.

    A path that runs away is drawn up to its first point outside the map; the legend says so.

    Args:
        ax: where to draw.
        surface: whose map is drawn, within its `xlim` and `ylim`.
        paths: label -> path as `surfaces.descend` returns it; a label that starts with the name of
            an optimizer has its colour.
    """
    across, up = np.meshgrid(np.linspace(*surface.xlim, _GRID), np.linspace(*surface.ylim, _GRID))
    losses = surface.loss(torch.tensor(np.stack([across, up]))).numpy()
    # Denser near the bottom, where the paths end.
    levels = losses.min() + np.ptp(losses) * np.linspace(0.03, 1, _LEVELS) ** 2
    ax.contour(across, up, losses, levels=levels, colors="grey", linewidths=0.6, alpha=0.7)
    for label, path in paths.items():
        seen = points_on_map(surface, path)
        words = label if len(seen) == len(path) else f"{label} (leaves the map)"
        ax.plot(*seen.T, ".-", color=colour_of(label), lw=1.2, ms=4, label=words)
        ax.plot(*path[0], "ko", ms=6)
    ax.plot(*np.transpose(surface.minima), "k*", ms=11, ls="none", label="minimum")
    ax.set(xlim=surface.xlim, ylim=surface.ylim, xlabel="weight 1", ylabel="weight 2")
    ax.set_title(surface.name)
    ax.grid(False)
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


def show_sliders(draw: Callable[..., Figure], **controls: widgets.ValueWidget) -> None:
    """Show a figure under widgets, and draw it again whenever one of them changes.

    A page without a kernel shows a sentence, or the figure as it was stored. The figure goes into
    an image: an output widget talks back to the kernel, which a run by a program may wait for.

    Args:
        draw: a plain function that takes all that it uses as arguments, and returns a figure.
        controls: one widget an argument.
    """
    image = widgets.Image(format="png")

    def redraw(_change=None) -> None:
        fig = draw(**{name: control.value for name, control in controls.items()})
        with io.BytesIO() as buffer:
            fig.savefig(buffer, format="png")
            image.value = buffer.getvalue()
        plt.close(fig)

    for name, control in controls.items():
        control.description = name
        control.observe(redraw, names="value")
    redraw()
    panel = widgets.VBox([*controls.values(), image])
    words = "Here are sliders, which need a running kernel: open the lesson and run this cell."
    display({**panel._repr_mimebundle_(), "text/plain": words}, raw=True)
