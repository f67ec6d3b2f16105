"""Checks of a training set-up: can it learn a tiny set by heart, and is what it learns sound?"""

from course_utils.diagnostics.data_checks import fraction_right
from course_utils.diagnostics.finding import CHECKS, Finding
from course_utils.diagnostics.overfit_check import OverfitReport, overfit_check

__all__ = [
    "CHECKS",
    "Finding",
    "OverfitReport",
    "fraction_right",
    "overfit_check",
]
