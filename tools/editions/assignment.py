"""The assignments: nbgrader's course folder, each lesson an assignment of its own.

    PYTHONPATH=tools python -m editions.assignment --to FOLDER notebook ...

FOLDER then holds the lessons as they are (`source/`), what the students get (`release/`), and
nbgrader's settings and gradebook. Submissions go to `submitted/STUDENT/LESSON/LESSON.ipynb`; in
FOLDER `nbgrader autograde LESSON` grades them. Called again, it renews the first two and keeps the
rest.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import Unicode
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from editions import EditionError
from editions.committed import read_lessons
from editions.leaks import solution_lines
from editions.student import student_editions, write_editions

POINTS = 1
SCHEMA_VERSION = 3  # of nbgrader 0.6 to 0.9


class AddGradingMetadata(Preprocessor):
    """Writes nbgrader's metadata as the tags `exercise` and `check` ask for it, and no other."""

    enabled = True

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Write the metadata of one notebook."""
        wanted = grading_metadata(nb)
        for index, cell in enumerate(nb.cells):
            cell.metadata.pop("nbgrader", None)
            if index in wanted:
                cell.metadata["nbgrader"] = wanted[index]
        return nb, resources


def grading_metadata(notebook: NotebookNode) -> dict[int, NotebookNode]:
    """Return nbgrader's metadata for each exercise and check, by the cell's index.

    The first exercise is `exercise-1` with the check `check-1`. nbgrader leaves the exercise to the
    student; it gives the points for a check that raises nothing, and restores an edited one.
    """
    wanted = {}
    for tag in ("exercise", "check"):
        cells = [i for i, cell in enumerate(notebook.cells) if tag in cell.metadata.get("tags", [])]
        for number, index in enumerate(cells, start=1):
            is_check = tag == "check"
            wanted[index] = NotebookNode(
                grade=is_check,
                grade_id=f"{tag}-{number}",
                locked=is_check,
                schema_version=SCHEMA_VERSION,
                solution=not is_check,
                task=False,
                **({"points": POINTS} if is_check else {}),
            )
    return wanted


class RestoreChecks(Preprocessor):
    """Puts each check back as it was handed out, whatever was done to its cell.

    nbgrader restores an edited source as well, but gives up (0.9) where a student has copied a
    check, changed its metadata, or deleted both a check and its exercise.
    """

    enabled = True
    release = Unicode(help="The folder of what was handed out.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Restore the checks of one submission, which nbgrader names in the resources."""
        names = resources["nbgrader"]
        path = Path(self.release, names["assignment"], f"{names['notebook']}.ipynb")
        original = nbformat.read(path, as_version=4)
        nb.cells = restored_checks(nb.cells, original.cells)
        # A student's cell may have the identity of a check or, from an older editor, none at all.
        nb.nbformat_minor = original.nbformat_minor
        for index, cell in enumerate(nb.cells):
            cell.id = f"cell-{index}"
        return nb, resources


def restored_checks(
    submitted: list[NotebookNode], released: list[NotebookNode]
) -> list[NotebookNode]:
    """Return a submission's cells with the checks of the release.

    A check stands where the student's stands, a deleted one at the end. Of several copies of a
    cell the last one counts.
    """
    originals = {_grade_id(cell): cell for cell in released if _grade_id(cell)}
    last = {_grade_id(cell): cell for cell in submitted}
    cells = []
    for cell in submitted:
        original = originals.get(_grade_id(cell))
        if original is None or cell is not last[_grade_id(cell)]:
            cell.metadata.pop("nbgrader", None)
        elif original.metadata.nbgrader.grade:
            cell = original
        else:
            cell.metadata.nbgrader = original.metadata.nbgrader
        cells.append(cell)
    missing = [cell for name, cell in originals.items() if name not in last]
    return cells + [cell for cell in missing if cell.metadata.nbgrader.grade]


class SkipLesson(Preprocessor):
    """Leaves of a lesson what its checks need: grading takes seconds, not the lesson's minute.

    Cells that are as they were handed out are not run, exercises and checks aside; their imports
    are put into a first cell. What the student changed or added runs.
    """

    enabled = True
    release = Unicode(help="The folder of what was handed out.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Mark the cells of one submission that are not to be run."""
        names = resources["nbgrader"]
        path = Path(self.release, names["assignment"], f"{names['notebook']}.ipynb")
        lesson = [
            cell.source
            for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "code" and not _grade_id(cell)
        ]
        for cell in nb.cells:
            if cell.cell_type == "code" and not _grade_id(cell) and cell.source in lesson:
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), "skip-execution"]
        imports = nbformat.v4.new_code_cell("\n".join(imports_of(lesson)), id="imports")
        nb.cells.insert(0, imports)
        return nb, resources


def imports_of(sources: Sequence[str]) -> list[str]:
    """Return the import statements at the top level of cells, each once, in order."""
    nodes = [node for source in sources for node in _statements(source)]
    imports = [ast.unparse(n) for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    return list(dict.fromkeys(imports))


def _statements(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError:  # a magic command, say
        return []


def _grade_id(cell: NotebookNode) -> str:
    nbgrader = cell.metadata.get("nbgrader")
    return str(nbgrader.get("grade_id", "")) if isinstance(nbgrader, dict) else ""


TOOLS = Path(__file__).resolve().parents[1]
SETTINGS = "nbgrader_config.py"
SETTINGS_TEXT = '''\
"""nbgrader's settings of this course. Add your own below: `make assignment` keeps this file."""

import sys
from pathlib import Path

sys.path.insert(0, {tools!r})  # of the course's own checkout
from editions.assignment import configure  # noqa: E402

configure(c, Path(__file__).parent)  # noqa: F821 (nbgrader defines c)
'''
# Without nbgrader's ClearSolutions: the lessons' stubs stay, and their solutions are other cells.
RELEASE_STEPS = (
    "editions.leaks.RefuseNearMisses",
    "editions.leaks.RefuseAnswers",
    "editions.student.RemoveSolutions",
    "editions.student.ClearWidgetStates",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "editions.leaks.RefuseLeaks",
)
SUBMISSION_STEPS = (
    "nbgrader.preprocessors.ClearOutput",
    "editions.assignment.RestoreChecks",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
    "editions.assignment.SkipLesson",
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
    config.RestoreChecks.release = config.SkipLesson.release = str(folder.resolve() / "release")
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
    for name, lesson in read_lessons(paths).items():
        write_editions({name: nbformat.writes(lesson)}, folder / "source" / Path(name).stem)
    if not (folder / SETTINGS).exists():
        (folder / SETTINGS).write_text(SETTINGS_TEXT.format(tools=str(TOOLS)), encoding="utf-8")
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
