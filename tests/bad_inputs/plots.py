"""Bad inputs of figures: nothing to draw, series of different lengths, unknown names."""

import math

import torch
from matplotlib.figure import Figure

from bad_inputs.finder import curve
from course_utils.detection.look_alikes import nearest_kind
from course_utils.lr.curve import LRCurve
from course_utils.plotting.explore_oversampling import explore_oversampling, plot_counts
from course_utils.plotting.explore_thresholds import explore_thresholds, plot_points, prepare_axes
from course_utils.plotting.plots import (
    plot_arms,
    plot_history,
    plot_losses,
    plot_lr_curves,
    plot_schedule,
    plot_steps,
)
from course_utils.plotting.scenes import plot_scene
from course_utils.training.callbacks import progress_bar
from course_utils.training.history import History


def axes(count=1):
    made = Figure().subplots(count, 1, squeeze=False).ravel()
    return made[0] if count == 1 else made


ROWS = {
    "no curves": (
        plot_lr_curves, lambda plot: plot(axes(), {}), ValueError, "no curve", "at least one",
    ),
    "unknown method": (
        LRCurve.plot, lambda plot: plot(curve(), axes(), method="lowest"),
        ValueError, "'lowest'", "steepest",
    ),
    "unknown method of several": (
        plot_lr_curves, lambda plot: plot(axes(), {"a": curve()}, method="x"), ValueError, "'x'",
    ),
    "schedules on one axis": (
        plot_schedule, lambda plot: plot(axes(), {"a": ([1], [1])}),
        ValueError, "1 axes", "two",
    ),
    "history on three axes": (
        plot_history, lambda plot: plot(axes(3), History()), ValueError, "3 axes", "two",
    ),
    "history without validation": (
        plot_history, lambda plot: plot(axes(2), History(train_loss=[1.0])),
        ValueError, "1 epochs", "0 validation losses",
    ),
    "arm of one seed": (
        plot_arms, lambda plot: plot(axes(), {"a": [1.0]}, xlabel="x"),
        ValueError, "got 1", "seeds",
    ),
    "arm with NaN": (
        plot_arms, lambda plot: plot(axes(), {"a": [1.0, math.nan]}, xlabel="x"), ValueError, "nan",
    ),
    "losses of two lengths": (
        plot_losses, lambda plot: plot(axes(), [1.0], [1.0, 2.0], chance=2.3),
        ValueError, "1 training", "2 v",
    ),
    "loss of guessing 0": (
        plot_losses, lambda plot: plot(axes(), [1.0], [1.0], chance=0), ValueError, "chance is 0",
    ),
    "steps of no epoch": (
        plot_steps, lambda plot: plot(axes(), History(), []),
        ValueError, "0 epochs", "at least one epoch",
    ),
    "losses of other epochs": (
        plot_steps,
        lambda plot: plot(axes(), History(train_loss=[1.0], step_loss=[1.0, 1.0]), [1.0, 2.0]),
        ValueError, "2 evaluated", "1 epochs",
    ),
    "no detectors to draw": (
        prepare_axes, lambda prepare: prepare(axes(3), {}), ValueError, "no curve", "at least one",
    ),
    "no detectors to mark": (
        plot_points, lambda plot: plot(axes(3), {}, recall=2),
        ValueError, "recall is 2", "at most 1",
    ),
    "no detectors to explore": (
        explore_thresholds, lambda explore: explore({}), ValueError, "no curve", "at least one",
    ),
    "counts with an empty class": (
        plot_counts, lambda plot: plot(axes(), [3, 0]), ValueError, "[3, 0]", "at least one image",
    ),
    "no classes to explore": (
        explore_oversampling, lambda explore: explore({}), ValueError, "[]", "at least one image",
    ),
    "scene as an image": (
        plot_scene, lambda plot: plot(axes(), torch.zeros(3, 8, 8)),
        TypeError, "of type Tensor", "Scene",
    ),
    "look-alike near no box": (
        nearest_kind, lambda kind: kind(None, torch.zeros(4)), TypeError, "scene is None", "Scene",
    ),
    "progress over less than nothing": (
        progress_bar, lambda bar: bar(-1, description="x"), ValueError, "total is -1", "at least 0",
    ),
}  # fmt: skip
