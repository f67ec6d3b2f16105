"""Solutions, and their removal."""

from __future__ import annotations

from nbconvert.preprocessors import TagRemovePreprocessor
from nbformat import NotebookNode
from traitlets import default

SOLUTION = "solution"


class RemoveSolutions(TagRemovePreprocessor):
    """Removes the cells tagged `solution`: the code, and the text that leads to it."""

    enabled = True

    @default("remove_cell_tags")
    def _remove_cell_tags(self) -> set[str]:
        return {SOLUTION}


def solution_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that are to be removed."""
    return [cell for cell in notebook.cells if SOLUTION in cell.metadata.get("tags", [])]
