"""The lessons as they were committed: what a teacher types into them at work is not handed out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from editions import EditionError


def read_lessons(paths: Iterable[Path]) -> dict[str, NotebookNode]:
    """Read notebooks as git's last commit has them; say on stderr which cells differ by now.

    A notebook that git does not know, or that lies outside a repository, is read as it is.

    Returns:
        File name -> notebook.

    Raises:
        EditionError: a file is no notebook.
        FileNotFoundError: there is no such file.
    """
    lessons = {}
    for path in paths:
        present = path.read_text(encoding="utf-8")
        text = _committed(path) or present
        try:
            lessons[path.name] = nbformat.reads(text, as_version=4)
        except nbformat.reader.NotJSONError:
            raise EditionError(f"{path.name} is no notebook: restore it with git.") from None
        if text != present and (words := _difference(lessons[path.name], present)):
            print(f"{path.name}: {words}; taken is the committed lesson.", file=sys.stderr)
    return lessons


def _committed(path: Path) -> str | None:
    command = ["git", "show", f"HEAD:./{path.name}"]
    try:
        shown = subprocess.run(command, cwd=path.parent, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return shown.stdout.decode("utf-8")


def _difference(committed: NotebookNode, present: str) -> str:
    """Name the cells whose source differs; outputs do not count."""
    try:
        cells = nbformat.reads(present, as_version=4).cells
    except nbformat.reader.NotJSONError:
        return "the file here is damaged"
    if len(cells) != len(committed.cells):
        return f"it has {len(cells)} cells here and {len(committed.cells)} in git's last commit"
    pairs = enumerate(zip(cells, committed.cells, strict=True))
    changed = [str(number) for number, (cell, old) in pairs if cell.source != old.source]
    return f"changed since git's last commit: cell {', '.join(changed)}" if changed else ""
