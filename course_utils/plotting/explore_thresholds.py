"""Where a threshold of the score puts detectors: what they find, and what they wrongly find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ipywidgets import FloatSlider
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.detection import PrecisionRecallCurve, threshold_at_recall
from course_utils.plotting.plots import series_colours
from course_utils.plotting.style import COLOURS
from course_utils.plotting.widgets import Sketch, show_widget

Curves = Mapping[str, PrecisionRecallCurve]
# What stands still and what changes are two texts in one place.
_TABLE = {"va": "top", "family": "monospace", "linespacing": 1.4}


def operating_point(curve: PrecisionRecallCurve, recall: float) -> tuple[float, ...] | None:
    """Return where a detector first reaches a recall, or None where it never does.

    Returns:
        Threshold, recall, precision, and false positives an image.
    """
    if not (curve.recall >= recall).any():
        return None
    at = curve.thresholds == threshold_at_recall(curve, recall)
    columns = (curve.thresholds, curve.recall, curve.precision, curve.false_positives_per_image)
    return tuple(float(column[at]) for column in columns)


def prepare_axes(axes: Sequence[Axes], curves: Curves) -> Sequence[Axes]:
    """Draw what is the same at every threshold: each detector's curves, and a table's header."""
    smallest = min(
        (float(n) for c in curves.values() for n in c.false_positives_per_image if n > 0),
        default=1.0,
    )
    for (name, curve), colour in zip(curves.items(), _colours(curves), strict=True):
        axes[0].plot(curve.recall, curve.precision, color=colour, label=name)
        axes[1].plot(curve.recall, curve.false_positives_per_image, color=colour)
    for ax in axes[:2]:
        ax.set(xlim=(0, 1.02), xlabel="recall: found objects / all objects", title=" ")
    axes[0].set(ylim=(0, 1.05), ylabel="precision: right / all detections")
    axes[1].set_yscale("symlog", linthresh=smallest)  # logarithmic, but for the way to 0
    axes[1].set_ylabel("false positives per image")
    axes[1].set_ylim(0)
    axes[0].legend(fontsize="small", loc="lower left")
    width = max(map(len, curves))
    header = f"{'':{width}}  threshold  precision  false positives per image"
    axes[2].text(0, 1, "\n".join([header, *curves]), **_TABLE)
    axes[2].axis("off")
    return axes


def plot_points(axes: Sequence[Axes], curves: Curves, *, recall: float) -> Sequence[Axes]:
    """Mark where each detector sits at the threshold at which it reaches a recall, and say so."""
    for ax in axes[:2]:
        ax.axvline(recall, color="grey", ls="--", lw=1)
    rows = [""]
    for name, colour in zip(curves, _colours(curves), strict=True):
        point = operating_point(curves[name], recall)
        row = "never reaches this recall"
        if point:
            threshold, reached, precision, wrong = point
            row = f"{threshold:9.3f}  {100 * precision:7.0f} %  {wrong:25.3g}"
            axes[0].plot(reached, precision, "o", color=colour, ms=8)
            axes[1].plot(reached, wrong, "o", color=colour, ms=8)
        rows.append(" " * (max(map(len, curves)) + 2) + row)
    axes[2].text(0, 1, "\n".join(rows), **_TABLE)
    axes[0].set_title(f"Each at its own threshold for a recall of {recall:.2f}", loc="center")
    return axes


def explore_thresholds(curves: Curves) -> None:
    """Show detectors side by side with a slider for the recall that each is to reach.

    Args:
        curves: name of the detector -> its curve, of one detector at least.

    Raises:
        ValueError: there is no curve.
    """
    if not curves:
        raise ValueError("There is no curve to draw: give at least one.")
    height = 3.8 + 0.22 * (1 + len(curves))
    figure = Figure(figsize=(9, height), layout="constrained")
    axes = figure.subplot_mosaic(
        [["precision", "wrong"], ["words", "words"]],
        height_ratios=[3.8, 0.22 * (1 + len(curves))],
    ).values()
    axes = prepare_axes(list(axes), curves)
    sketch = Sketch(figure)
    show_widget(
        lambda recall: sketch.png(lambda: plot_points(axes, curves, recall=recall)),
        {
            "recall": FloatSlider(
                description="recall to reach", value=0.7, min=0.05, max=1, step=0.01
            )
        },
    )


def _colours(curves: Curves) -> list[str]:
    usual = series_colours(len(curves))
    return [COLOURS.get(name, colour) for name, colour in zip(curves, usual, strict=True)]
