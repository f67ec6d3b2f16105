"""Figures of scenes: an image with the boxes of its ships and of what a detector found."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils._validate import check_type
from course_utils.detection import Detections, Scene
from course_utils.plotting.style import COLOURS


def plot_scene(
    ax: Axes,
    scene: Scene,
    found: Detections | None = None,
    *,
    title: str = "",
    simulated: bool = False,
) -> Axes:
    """Draw a scene; true ships have solid frames, detections dashed ones with their scores.

    Args:
        ax: where to draw.
        scene: the image and its ships.
        found: what a detector found in it, or None.
        title: stands above.
        simulated: write so into the image.

    Raises:
        TypeError: the scene is no `Scene`.
    """
    check_type("scene", scene, Scene)
    ax.imshow(scene.image.permute(1, 2, 0).cpu().numpy())
    for box in scene.boxes:
        ax.add_patch(_frame(box, color=COLOURS["ship"], lw=1.5))
    for box, score in zip(*_parts(found), strict=True):
        ax.add_patch(_frame(box, color=COLOURS["detection"], lw=1.5, ls="--"))
        height = scene.image.shape[1]
        above = float(box[1]) > 0.15 * height
        ax.text(
            max(float(box[0]), 0),
            float(box[1] if above else box[3]),
            f"{float(score):.2f}",
            color=COLOURS["detection"],
            va="bottom" if above else "top",
            fontsize=8,
            clip_on=True,
        )
    if simulated:
        words = {"color": "white", "fontsize": 6, "ha": "right", "va": "bottom"}
        ax.text(0.98, 0.02, "simulated", transform=ax.transAxes, **words)
    ax.set_title(title, fontsize=8)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    return ax


def _parts(found: Detections | None) -> tuple:
    return ((), ()) if found is None else (found.boxes, found.scores)


def _frame(box: Tensor, **style) -> Rectangle:
    x0, y0, x1, y1 = (float(edge) - 0.5 for edge in box)  # a pixel's centre has whole coordinates
    return Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, **style)
