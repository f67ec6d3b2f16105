"""What oversampling to equality costs, from nothing but the size of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ipywidgets import IntSlider
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from course_utils._validate import check_whole
from course_utils.plotting.style import COLOURS
from course_utils.plotting.widgets import Sketch, show_widget

_IMAGES = {"color": COLOURS["train"], "label": "images"}
_COPIES = {
    "facecolor": "white",
    "edgecolor": COLOURS["oversampling"],
    "label": "copies made by oversampling",
}
_KEPT = {
    "color": COLOURS["undersampling"],
    "ls": "--",
    "lw": 2.5,
    "label": "what undersampling keeps of each class",
}


def prepare_axes(ax: Axes, class_names: Sequence[str], *, highest: int) -> Axes:
    """Draw what is the same for all counts: axes with the classes' names, and the legend."""
    ax.set_xticks(range(len(class_names)), class_names, rotation=30, ha="right")
    ax.set(ylabel="images an epoch", xlim=(-0.6, len(class_names) - 0.4), title="\n")
    ax.set_ylim(0, 1.3 * highest)  # room for the legend
    handles = [Patch(**_IMAGES), Patch(**_COPIES), Line2D([], [], **_KEPT)]
    ax.legend(handles=handles, loc="upper right", fontsize="small", ncols=3)
    return ax


def plot_counts(ax: Axes, counts: Sequence[int]) -> Axes:
    """Draw the classes, their copies, and what undersampling keeps; the costs are the title."""
    largest, smallest, images = max(counts), min(counts), sum(counts)
    oversampled = len(counts) * largest
    ax.bar(range(len(counts)), counts, **_IMAGES)
    ax.bar(range(len(counts)), [largest - n for n in counts], bottom=counts, **_COPIES)
    ax.axhline(smallest, **_KEPT)
    ax.set_title(
        f"oversampling: {images} images become {oversampled}, so that an epoch takes "
        f"{oversampled / images:.1f} times as long;\nan image of the smallest class is shown "
        f"{largest / smallest:.1f} times. Undersampling keeps {len(counts) * smallest}."
    )
    return ax


def explore_oversampling(counts: Mapping[str, int]) -> None:
    """Show class counts with a slider for each class, and what equal classes cost.

    Args:
        counts: name of the class -> its number of images at the start, also the range of all
            sliders: from the smallest to the largest of them.

    Raises:
        ValueError: there is no class, or one without an image, or a count is no integer.
    """
    for name, count in counts.items():
        check_whole(f"The count of {name!r}", count, 1)
    if not counts:
        raise ValueError("There is no class to draw: give at least one.")
    low, high = min(counts.values()), max(counts.values())
    step = max(1, (high - low) // 19)
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    ax = prepare_axes(figure.subplots(), list(counts), highest=high)
    sketch = Sketch(figure)
    show_widget(
        lambda **sizes: sketch.png(lambda: plot_counts(ax, list(sizes.values()))),
        {
            name: IntSlider(description=f"{name}, images", value=n, min=low, max=high, step=step)
            for name, n in counts.items()
        },
    )
