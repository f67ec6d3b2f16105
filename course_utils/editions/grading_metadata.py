"""The metadata by which nbgrader knows an exercise and its check."""

from __future__ import annotations

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

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
