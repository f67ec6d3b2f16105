"""A lesson as the web edition shows it: the stored notebook, with its solutions folded."""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode


def read_lesson(text: str) -> NotebookNode:
    """Read a stored notebook and fold its solutions; myst-nb calls this for each lesson.

    Args:
        text: the notebook's file.
    """
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        fold_solution(cell)
    return notebook


def fold_solution(cell: NotebookNode) -> bool:
    """Fold the code of a solution, by myst-nb's own tag; return whether the cell is one."""
    tags = cell.metadata.get("tags", [])
    if cell.cell_type != "code" or "solution" not in tags:
        return False
    cell.metadata["tags"] = [*tags, "hide-input"]
    return True
