"""A lesson as the web edition shows it: the stored notebook, with its solutions folded."""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode


def read_lesson(text: str) -> NotebookNode:
    """Read a stored notebook, fold its solutions and describe its figures; myst-nb calls it itself.

    Args:
        text: the notebook's file.
    """
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and "solution" in tags:
            cell.metadata["tags"] = [*tags, "hide-input"]
        if "alt" in cell.metadata:
            cell.metadata["mystnb"] = {"image": {"alt": cell.metadata["alt"]}}
    return notebook
