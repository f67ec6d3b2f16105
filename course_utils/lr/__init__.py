"""The learning rate: a finder, its curve, 1cycle and other schedules."""

from course_utils.lr.curve import (
    LRCurve,
    LRRepeats,
    largest_setting_with_high_lr,
    largest_usable_lr,
)
from course_utils.lr.finder import compare_lr_finders, find_lr, repeat_lr_finder
from course_utils.lr.one_cycle import OneCycle
from course_utils.lr.schedules import OneCycleCurve, Phase, PhasedCurve
from course_utils.lr.smoothing import MovingAverage, smooth, smooth_centred

__all__ = [
    "LRCurve",
    "LRRepeats",
    "MovingAverage",
    "OneCycle",
    "OneCycleCurve",
    "Phase",
    "PhasedCurve",
    "compare_lr_finders",
    "find_lr",
    "largest_setting_with_high_lr",
    "largest_usable_lr",
    "repeat_lr_finder",
    "smooth",
    "smooth_centred",
]
