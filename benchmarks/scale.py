"""How the time of each core function grows with the size of its input, over three decades.

python -m benchmarks.scale [FILE.json]
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch

from benchmarks import scale_detection, scale_training
from benchmarks.growth import best_time, exponent
from benchmarks.report import Table, run_row

TASKS = {**scale_training.TASKS, **scale_detection.TASKS}
SETTING = (
    "The least of three measurements at each of four sizes, ten times apart. The exponent b is "
    "fitted to time = a * size^b: 1 is linear. What a call costs before its first element pulls "
    "b below 1, so that b is given for the largest two sizes as well. Where the size is that of "
    "one image, its pixels or pairs of boxes are counted."
)
READING = (
    "`mine_hard_negatives` has a table of its own. Arrays that outgrow the processor's caches "
    "make b rise at the largest size in functions that do little but pass over memory: the "
    "samplers, `correct_prior`, `match_boxes`, `boxes_to_maps`, `pack`. `suppress` compares "
    "boxes in pairs, as torchvision's non-maximum suppression does, and one image seldom has "
    "more than a hundred."
)


def measure(tasks=TASKS, *, repeats: int = 3) -> list[Table]:
    return [
        Table("Scale", SETTING, [growth(name, *tasks[name], repeats) for name in tasks], READING)
    ]


def growth(name: str, task, unit: str, sizes: tuple[int, ...], repeats: int) -> dict:
    """Time a task at each size; return its row."""
    torch.manual_seed(0)
    seconds = []
    for number in sizes:
        with empty_folder():
            seconds.append(best_time(task(number), repeats=repeats))
    return {
        "": name,
        "size": unit,
        "sizes": [sizes[0], sizes[-1]],
        "milliseconds": [1000 * seconds[0], 1000 * seconds[-1]],
        "exponent": exponent(sizes, seconds),
        "of the last decade": exponent(sizes[-2:], seconds[-2:]),
    }


@contextmanager
def empty_folder() -> Iterator[None]:
    """Work in an empty directory for a block, with the learner's progress in it."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with patch.dict(os.environ, COURSE_PROGRESS="progress.json"):
                yield
        finally:
            os.chdir(before)


if __name__ == "__main__":
    run_row(measure)
