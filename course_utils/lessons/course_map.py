"""The lessons of the course, with the minutes that a learner needs for each."""

from __future__ import annotations

from pathlib import Path

# number -> (title, minutes)
LESSONS = {
    "00": ("Start here", 15),
    "01": ("Imbalanced data", 30),
    "02": ("The learning-rate finder", 25),
    "03": ("The variants of SGD", 35),
    "04": ("The 1cycle policy", 35),
    "05": ("Cyclical momentum", 30),
    "06": ("All other hyperparameters matter", 30),
    "07": ("Plot the losses", 30),
    "08": ("Overfit a tiny set first", 35),
    "09": ("Hard negatives: detecting ships", 60),
}


def course_map(notebooks: Path) -> str:
    """Lay the lessons out as a plain-text table; one whose notebook is missing is in preparation.

    Args:
        notebooks: the folder of the notebooks.
    """
    lines = ["no  lesson                             minutes"]
    for number, (title, minutes) in LESSONS.items():
        there = any(notebooks.glob(f"{number}_*.ipynb"))
        lines.append(f"{number}  {title:34} {minutes:>7}{'' if there else '  (in preparation)'}")
    return "\n".join(lines)


def titles() -> dict[str, str]:
    """Return number -> title of every lesson, as `progress_table` takes it."""
    return {number: title for number, (title, _) in LESSONS.items()}
