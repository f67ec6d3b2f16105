"""A lesson as the web edition shows it: the stored notebook, with its solutions folded."""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode


def read_lesson(text: str) -> NotebookNode:
    """Read a stored notebook and fold its solutions, by myst-nb's own tag; it calls this itself.

    Args:
        text: the notebook's file.
    """
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and "solution" in tags:
            cell.metadata["tags"] = [*tags, "hide-input"]
    return notebook
