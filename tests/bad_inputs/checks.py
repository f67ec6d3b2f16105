"""Bad inputs of what surrounds a lesson: exercises, quiz, progress."""

from bad_inputs.data import environment
from course_utils.lessons import start_lesson, stored_results
from course_utils.teaching import (
    Case,
    Exercise,
    ask,
    check,
    own_or_reference,
    progress_table,
)

LETTERS = {"A": "yes", "B": "no"}


def graded(check):
    with environment(NBGRADER_EXECUTION="autograde"):
        check(None, Exercise("02", "core", abs, [Case("a number", (1,))]))


def on_an_abacus(start):
    with environment(COURSE_DEVICE="abacus"):
        start()


ROWS = {
    "lesson on a device that is none": (
        start_lesson, on_an_abacus, ValueError, "'abacus'", "COURSE_DEVICE",
    ),
    "results that are not stored": (
        stored_results, lambda stored: stored("tune_99"),
        FileNotFoundError, "tune_99.json is missing", "python -m experiments.tune_99",
    ),
    "titles as a list": (
        progress_table, lambda table: table(["01"]), TypeError, "titles is of type list", "Mapping",
    ),
    "right option that is none": (
        ask, lambda ask: ask("02", 1, "?", LETTERS, "C", "so"), ValueError, "'C'", "A, B",
    ),
    "options as a list": (
        ask, lambda ask: ask("02", 1, "?", ["A"], "A", "so"), TypeError, "options is of type list",
    ),
    "exercise without a case": (
        Exercise, lambda make: make("02", "core", abs, []), ValueError, "'core'", "at least one",
    ),
    "reference that is no function": (
        Exercise, lambda make: make("02", "core", 3, [1]), TypeError, "'core'", "is 3", "Callable",
    ),
    "time limit of 0": (
        Exercise, lambda make: make("02", "core", abs, [1], seconds=0), ValueError, "seconds is 0",
    ),
    "exercise that is not attempted, graded": (
        check, graded, AssertionError, "core: not attempted yet",
    ),
    "exercise None": (
        check, lambda check: check(abs, None), TypeError, "exercise is None", "Exercise",
    ),
    "exercise None, for the lesson to go on": (
        own_or_reference, lambda own: own(abs, None), TypeError, "exercise is None", "Exercise",
    ),
}  # fmt: skip
