"""What the rules for notebooks ask of a notebook's cells."""

from __future__ import annotations

import re

from nbformat import NotebookNode


def lesson_number(notebook: NotebookNode) -> str:
    """Return the lesson's number, as "02", from its title "# 02 · ..."; "" where it has none."""
    match = re.match(r"# (\d\d)\b", notebook.cells[0].source if notebook.cells else "")
    return match[1] if match else ""


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells that hold code."""
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def tags(cell: NotebookNode) -> list[str]:
    """Return the cell's tags."""
    return cell.metadata.get("tags", [])


def printed(cell: NotebookNode) -> str:
    """Return all stored text of a cell: streams, displayed text and errors."""
    texts = []
    for output in cell.get("outputs", []):
        texts += [output.get("text", ""), *output.get("traceback", [])]
        data = output.get("data", {})
        texts += [data[kind] for kind in data if kind.startswith("text/")]
    return "\n".join(texts)
