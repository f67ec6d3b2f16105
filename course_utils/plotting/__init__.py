"""The figures of the lessons, their colours and their sliders."""

from course_utils.plotting.explore_lr import explore_lr_curve, explore_one_cycle
from course_utils.plotting.explore_momentum import explore_momentum
from course_utils.plotting.explore_oversampling import explore_oversampling
from course_utils.plotting.explore_thresholds import explore_thresholds
from course_utils.plotting.loss_surfaces import RAVINE, SADDLE, descend, explore_paths, plot_paths
from course_utils.plotting.plots import (
    LivePlot,
    plot_arms,
    plot_history,
    plot_losses,
    plot_lr_curves,
    plot_schedule,
    plot_steps,
)
from course_utils.plotting.scenes import plot_scene
from course_utils.plotting.style import COLOURS, SERIES, colour_of, use_course_style

__all__ = [
    "COLOURS",
    "LivePlot",
    "RAVINE",
    "SADDLE",
    "SERIES",
    "colour_of",
    "descend",
    "explore_lr_curve",
    "explore_one_cycle",
    "explore_momentum",
    "explore_oversampling",
    "explore_paths",
    "explore_thresholds",
    "plot_arms",
    "plot_history",
    "plot_losses",
    "plot_lr_curves",
    "plot_paths",
    "plot_scene",
    "plot_schedule",
    "plot_steps",
    "use_course_style",
]
