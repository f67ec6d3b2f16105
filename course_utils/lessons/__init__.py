"""One module a lesson: its settings in each profile, its exercise, its stored results."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from course_utils.plotting.style import use_course_style
from course_utils.training.device import pick_device, set_threads

STORED = Path(__file__).with_name("stored")


def start_lesson() -> torch.device:
    """Set the figures' style and the number of threads, and return the device that trains.

    Raises:
        ValueError: as `device.pick_device` and `device.set_threads`.
    """
    use_course_style()
    set_threads()
    return pick_device()


def stored_results(name: str) -> dict:
    """Return what `python -m experiments.NAME` has measured, as its JSON in `stored` holds it.

    Raises:
        FileNotFoundError: the file is missing.
    """
    path = STORED / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{path.name} is missing: restore it with git, or measure again with "
            f"`python -m experiments.{name}`."
        )
    return json.loads(path.read_text(encoding="utf-8"))
