"""One module a lesson: its settings in each profile, its exercise, its stored results.

What a command of `experiments/` has measured lies in `stored/NAME.json`; lessons read it by
`stored_results`.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from course_utils.plotting import use_course_style
from course_utils.training import pick_device, set_threads

__all__ = ["start_lesson", "stored_results"]

STORED = Path(__file__).with_name("stored")


def start_lesson() -> torch.device:
    """Set the figures' style and the number of threads, and return the device that trains.

    Raises:
        ValueError: `COURSE_DEVICE` names a device that cannot be used here, or `OMP_NUM_THREADS` is
            no positive integer.
    """
    device = pick_device()
    set_threads()
    use_course_style()
    return device


def stored_results(name: str) -> dict:
    """Return what was measured beforehand, as `stored/NAME.json` holds it.

    Args:
        name: of the command of `experiments/` that measures it; "full_size" is that of `reproduce`.

    Raises:
        FileNotFoundError: the file is missing.
    """
    path = STORED / f"{name}.json"
    if not path.exists():
        command = "reproduce" if name == "full_size" else name
        raise FileNotFoundError(
            f"{path.name} is missing: restore it with git, or measure again with "
            f"`python -m experiments.{command}`."
        )
    return json.loads(path.read_text(encoding="utf-8"))
