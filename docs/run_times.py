"""The run-time table of the web edition: what each lesson took in the last `make test`."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat

HEAD = (
    "| lesson | seconds | first figure | CPU seconds | memory, MB | cells | claims | cores "
    "| measured on |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
)
COLUMNS = ("seconds", "figure", "cpu", "peak", "cells", "claims", "cores", "measured")
NOT_YET = "not yet measured"


def run_times_table(file: Path, *, notebooks: Path) -> str:
    """Lay out what `make test` has measured as a Markdown table, one row a notebook.

    A lesson that has gained or lost cells since is not yet measured.

    Args:
        file: what tests/notebooks/nbval_summary.py has written; it need not exist.
        notebooks: the folder of the notebooks.
    """
    measured = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    rows = [_row(path, measured.get(f"notebooks/{path.name}")) for path in _lessons(notebooks)]
    return "\n".join([HEAD, *rows])


def _lessons(notebooks: Path) -> list[Path]:
    return sorted(notebooks.glob("[0-9]*.ipynb"))


def _row(path: Path, entry: dict | None) -> str:
    """Write a lesson's row; without an entry, or with that of another state, it says so."""
    notebook = nbformat.read(path, as_version=4)
    title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
    link = f"[{title}](../notebooks/{path.name})"
    count = sum(cell.cell_type == "code" for cell in notebook.cells)
    if entry is None or entry["cells"] != count:
        return f"| {link} | {NOT_YET} | | | | | | | |"
    values = [entry.get(key) for key in COLUMNS]
    return f"| {link} | {' | '.join('' if v is None else str(v) for v in values)} |"
