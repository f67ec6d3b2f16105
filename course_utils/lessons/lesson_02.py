"""Lesson 02, the LR finder: its figure of the sweeps above the accuracy after training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from course_utils.lessons import stored_results
from course_utils.lr import smooth_centred
from course_utils.plotting.style import COLOURS

LABELS = {
    "suggestion": ("suggestion", "-"),
    "trailing minimum": ("minimum of the usual, delayed curve", ":"),
    "steepest": ("steepest", "--"),
}


def plot_curve_over_accuracy(axes: Sequence[Axes]) -> dict:
    """Draw stored sweeps above the stored accuracy after training, over the same learning rates.

    Args:
        axes: two axes, one above the other, with a common x axis.

    Returns:
        What is stored: see `experiments/tune_02.py`.
    """
    stored = stored_results("tune_02")
    for number, losses in enumerate(stored["losses"]):
        lrs = stored["lrs"][: len(losses)]
        centred = smooth_centred(np.minimum(losses, max(losses[:10])), 0.86)
        label = "loss of a sweep, delay taken out" if number == 0 else None
        axes[0].plot(lrs, centred, color=COLOURS["train"], alpha=0.4, lw=1, label=label)
    lrs = [float(lr) for lr in stored["accuracy"]]
    accuracy = list(stored["accuracy"].values())
    for values in zip(*accuracy, strict=True):
        axes[1].plot(lrs, values, ".", color=COLOURS["valid"], alpha=0.4, ms=4)
    means = [float(np.mean(values)) for values in accuracy]
    axes[1].plot(lrs, means, color=COLOURS["valid"])
    for rule, (label, style) in LABELS.items():
        pick = float(np.median(stored["picks"][rule]))
        for ax in axes:
            ax.axvline(pick, color="black", ls=style, lw=1.2, label=f"{label}: {pick:.2g}")
    axes[0].set(xscale="log", xlim=(1e-4, 3), ylabel="training loss (nats)")
    axes[1].set(xlabel="learning rate (log scale)", ylabel="test accuracy (%)")
    axes[0].legend(loc="center left", fontsize="small")
    return stored
