"""The lessons of the course, with the minutes that a learner needs for each."""

from __future__ import annotations

import re
from pathlib import Path

# number -> title
LESSONS = {
    "00": "Start here",
    "01": "Imbalanced data",
    "02": "The learning-rate finder",
    "03": "The variants of SGD",
    "04": "The 1cycle policy",
    "05": "Cyclical momentum",
    "06": "All other hyperparameters matter",
    "07": "Plot the losses",
    "08": "Overfit a tiny set first",
    "09": "Hard negatives: detecting ships",
    "10": "The speedrun",
}


def course_map(notebooks: Path) -> str:
    """Lay the lessons out as a plain-text table; one whose notebook is missing is in preparation.

    The minutes are those that a lesson's first cell promises.

    Args:
        notebooks: the folder of the notebooks.
    """
    lines = ["no  lesson                             minutes"]
    for number, title in LESSONS.items():
        path = next(notebooks.glob(f"{number}_*.ipynb"), None)
        text = path.read_text(encoding="utf-8") if path else ""
        promise = re.search(r"\babout (\d+) minutes\b", text)
        line = f"{number}  {title:34} {promise[1] if promise else '':>7}"
        lines.append(line.rstrip() if path else f"{line}  (in preparation)")
    return "\n".join(lines)
