"""Bad inputs of figures: nothing to draw, series of different lengths, unknown names."""

import math

import torch
from matplotlib.figure import Figure

from bad_inputs.finder import curve
from course_utils.plotting import (
    explore_oversampling,
    explore_thresholds,
    plot_arms,
    plot_history,
    plot_losses,
    plot_lr_curves,
    plot_scene,
    plot_schedule,
    plot_steps,
)
from course_utils.training import History, progress_bar


def axes(count=1):
    made = Figure().subplots(count, 1, squeeze=False).ravel()
    return made[0] if count == 1 else made


ROWS = {
    "no curves": (
        plot_lr_curves, lambda plot: plot(axes(), {}), ValueError, "no curve", "at least one",
    ),
    "curve without a fall": (
        plot_lr_curves, lambda plot: plot(axes(), {"a": curve((2.0,) * 6)}), ValueError, "constant",
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
    "no detectors to explore": (
        explore_thresholds, lambda explore: explore({}), ValueError, "no curve", "at least one",
    ),
    "an empty class to explore": (
        explore_oversampling, lambda explore: explore({"cat": 3, "dog": 0}),
        ValueError, "'dog'", "is 0", "at least 1",
    ),
    "half an image to explore": (
        explore_oversampling, lambda explore: explore({"cat": 0.5}), ValueError, "'cat' is 0.5",
    ),
    "no classes to explore": (
        explore_oversampling, lambda explore: explore({}), ValueError, "no class", "at least one",
    ),
    "scene as an image": (
        plot_scene, lambda plot: plot(axes(), torch.zeros(3, 8, 8)),
        TypeError, "of type Tensor", "Scene",
    ),
    "progress over less than nothing": (
        progress_bar, lambda bar: bar(-1, description="x"), ValueError, "total is -1", "at least 0",
    ),
}  # fmt: skip
