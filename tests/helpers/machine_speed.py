"""How fast this machine is now, beside the quiet one on which the bars in seconds were set."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

import numpy as np

REFERENCE_SECONDS = 0.0046  # of reference_work() on one core of that machine, quiet
VARIABLE = "COURSE_TESTS_SLOWNESS"


def reference_work() -> None:
    """Do what the course does beside matrix products: plain Python, NumPy on small arrays."""
    image = np.zeros((3, 96, 96), np.float32)
    for i in range(60):
        image += np.sin(image + i)
        image[:, i : i + 6] = np.sort(image[:, :6], axis=None).reshape(3, 6, 96)
        sum(j * j for j in range(1000))


def slowness_of_run() -> float:
    """Return how many times as long as there work takes here, by the clock: at least 1.

    It is measured once, by the first process of a run of tests; the others inherit it.
    """
    if VARIABLE not in os.environ:
        seconds = median(_seconds(reference_work, time.perf_counter) for _ in range(15))
        os.environ[VARIABLE] = f"{max(1.0, seconds / REFERENCE_SECONDS):.2f}"
    return float(os.environ[VARIABLE])


def quiet_seconds(work: Callable[[], object], *, rounds: int = 5) -> float:
    """Return the CPU seconds that `work()` would take on one core of that machine.

    Work and reference take turns, and the quickest of each counts, so that the speed of this
    machine and what else it does cancel.
    """
    reference_work()  # warms up
    turns = range(rounds)
    pairs = [[_seconds(each, time.process_time) for each in (work, reference_work)] for _ in turns]
    own, reference = map(min, zip(*pairs, strict=True))
    return own / reference * REFERENCE_SECONDS


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start
