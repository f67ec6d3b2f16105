"""Tiny notebooks for tests, and a pytest of their own that runs them as the course's are run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

REPOSITORY = Path(__file__).resolve().parents[2]
HOUSE = (
    "conftest.py",
    "pyproject.toml",
    "tests/helpers/machine_speed.py",
    "tests/notebooks/nbval_guard.py",
    "tests/notebooks/nbval_summary.py",
    "tests/notebooks/nbval_sanitize.cfg",
)


def code(source: str, *tags: str, prints: str = "", count: int = 1) -> NotebookNode:
    """Make a code cell with the text that it printed."""
    outputs = [v4.new_output("stream", name="stdout", text=prints)] if prints else []
    metadata = {"tags": list(tags)}
    return v4.new_code_cell(source, metadata=metadata, outputs=outputs, execution_count=count)


def notebook(*cells: NotebookNode) -> NotebookNode:
    """Make a notebook, its code cells counted 1, 2, 3, ..."""
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, cell in enumerate((c for c in cells if c.cell_type == "code"), start=1):
        cell.execution_count = number
    return v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernelspec})


def run_notebooks(folder: Path, *options: str, **notebooks: NotebookNode) -> str:
    """Run the notebooks with the house's own settings in a new folder; return what is printed.

    Args:
        folder: is made.
        options: further options of pytest.
        notebooks: name -> notebook.
    """
    (folder / "notebooks").mkdir(parents=True)
    for name in HOUSE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    for name, content in notebooks.items():
        nbformat.write(content, folder / "notebooks" / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "notebooks", "-p", "no:cacheprovider", *options]
    inherited = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    result = subprocess.run(
        command, cwd=folder, env=inherited, capture_output=True, text=True, timeout=500
    )
    return result.stdout + result.stderr
