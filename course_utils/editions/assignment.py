"""The assignments: nbgrader's course folder, each lesson an assignment of its own.

    python -m course_utils.editions.assignment --to FOLDER notebook ...

FOLDER then holds the lessons as they are (`source/`), what the students get (`release/`), and
nbgrader's settings and gradebook. Submissions go to `submitted/STUDENT/LESSON/LESSON.ipynb`; in
FOLDER `nbgrader autograde LESSON` grades them. Called again, it renews the first two and keeps the
rest.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from course_utils.editions import EditionError
from course_utils.editions.leaks import solution_lines
from course_utils.editions.student import student_editions, write_editions

SETTINGS = "nbgrader_config.py"
SETTINGS_TEXT = '''\
"""nbgrader's settings of this course. Add your own below: `make assignment` keeps this file."""

from pathlib import Path

from course_utils.editions.assignment import configure

configure(c, Path(__file__).parent)  # noqa: F821 (nbgrader defines c)
'''
# Without nbgrader's ClearSolutions: the lessons' stubs stay, and their solutions are other cells.
RELEASE_STEPS = (
    "course_utils.editions.near_misses.RefuseNearMisses",
    "course_utils.editions.solutions.RemoveSolutions",
    "course_utils.editions.widget_states.ClearWidgetStates",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "course_utils.editions.leaks.RefuseLeaks",
)
SUBMISSION_STEPS = (
    "nbgrader.preprocessors.ClearOutput",
    "course_utils.editions.restored_checks.RestoreChecks",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
)
SECONDS_A_CELL = 300


def configure(config: Config, folder: Path) -> None:
    """Set what nbgrader has to know about this course.

    Args:
        config: nbgrader's settings, changed in place.
        folder: the course folder.
    """
    lessons = [nbformat.read(path, as_version=4) for path in folder.glob("source/*/*.ipynb")]
    config.CourseDirectory.root = str(folder.resolve())
    config.GenerateAssignment.preprocessors = list(RELEASE_STEPS)
    config.RefuseLeaks.lines = solution_lines(lessons)
    config.Autograde.sanitize_preprocessors = list(SUBMISSION_STEPS)
    config.RestoreChecks.release = str(folder.resolve() / "release")
    config.Execute.timeout = SECONDS_A_CELL


def make_assignments(paths: Sequence[Path], folder: Path) -> None:
    """Lay out the course folder and let nbgrader make the release of each lesson.

    Args:
        paths: the lessons' notebooks.
        folder: the course folder; made where it is missing.

    Raises:
        EditionError: a lesson cannot be handed out (see `student_editions`), or nbgrader is
            missing: nothing is changed then; or nbgrader refuses a lesson.
    """
    student_editions(paths)
    try:
        from nbgrader.apps import NbGraderAPI
    except ImportError:
        raise EditionError(
            "nbgrader is not installed: `make assignment` does it, or pip install -e '.[grading]'."
        ) from None
    for path in paths:
        text = path.read_text(encoding="utf-8")
        write_editions({path.name: text}, folder / "source" / path.stem)
    if not (folder / SETTINGS).exists():
        (folder / SETTINGS).write_text(SETTINGS_TEXT, encoding="utf-8")
    # nbgrader calls alembic by name, which a virtual environment that is not activated hides.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    api = NbGraderAPI(config=PyFileConfigLoader(SETTINGS, path=str(folder)).load_config())
    for path in paths:
        result = api.generate_assignment(path.stem)
        if not result["success"]:
            raise EditionError(f"{path.name}: nbgrader made no release:\n{result['log']}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the assignments of the notebooks on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("notebooks", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        make_assignments(options.notebooks, options.to)
    except (EditionError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(options.notebooks)} assignments for the students: {options.to / 'release'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
