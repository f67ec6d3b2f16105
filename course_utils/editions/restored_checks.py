"""The checks of a submission, restored to those that were handed out."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import Unicode


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


def _grade_id(cell: NotebookNode) -> str:
    nbgrader = cell.metadata.get("nbgrader")
    return str(nbgrader.get("grade_id", "")) if isinstance(nbgrader, dict) else ""
